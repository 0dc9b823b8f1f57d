package explain

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/record"
)

var place = regexp.MustCompile(`\{[^{}]*\}`)

// TestMessages checks that every message is in both languages, with the same places.
func TestMessages(t *testing.T) {
	if len(messages) != len(recordMessages)+len(ruleMessages) {
		t.Error("a message is in both tables")
	}
	for key, m := range messages {
		var places [2][]string
		for l, text := range m {
			if text == "" && key != "empty" {
				t.Errorf("%s has no text in language %d", key, l)
			}
			places[l] = place.FindAllString(text, -1)
			for _, p := range places[l] {
				if !regexp.MustCompile(`^\{[a-z]+\}$`).MatchString(p) {
					t.Errorf("%s: %q is no name of a place", key, p)
				}
			}
			if rest := place.ReplaceAllString(text, ""); strings.ContainsAny(rest, "{}") {
				t.Errorf("%s: a brace by itself: %s", key, text)
			}
			slices.Sort(places[l])
			places[l] = slices.Compact(places[l])
		}
		if !slices.Equal(places[English], places[Japanese]) {
			t.Errorf("%s: places %q in English, %q in Japanese", key, places[English], places[Japanese])
		}
		if plain := regexp.MustCompile(`(だ|である|[^で]した|る)。`).FindString(strings.ReplaceAll(m[Japanese], "ました。", "")); plain != "" && !strings.HasPrefix(key, "cannot.") {
			t.Errorf("%s is not in the polite form: %s", key, m[Japanese])
		}
	}
}

func TestLocaleLang(t *testing.T) {
	for locale, want := range map[string]Lang{"ja": Japanese, "ja_JP.UTF-8": Japanese, "ja_JP": Japanese, "jam": English, "en_US.UTF-8": English, "C": English, "": English} {
		if got := LocaleLang(locale); got != want {
			t.Errorf("LocaleLang(%q) = %d, want %d", locale, got, want)
		}
	}
}

func TestGlue(t *testing.T) {
	for _, c := range []struct{ left, right, want string }{
		{"ポート 22（ssh）", " への", "ポート 22（ssh）への"},
		{"からの all", "を許可", "からの all を許可"},
		{"次に ", "リージョナル", "次にリージョナル"},
		{"次に ", "eni-1", "次に eni-1"},
		{"は", "VPC", "は VPC"},
		{"「", "web server", "「web server"},
		{"に", "0.0.0.0/0", "に 0.0.0.0/0"},
	} {
		if got := string(glue([]byte(c.left), c.right, Japanese)); got != c.want {
			t.Errorf("glue(%q, %q) = %q, want %q", c.left, c.right, got, c.want)
		}
	}
	if got := string(glue([]byte("a"), "を", English)); got != "aを" {
		t.Errorf("English is changed: %q", got)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name, text string
		width      int
		want       []string
	}{
		{"no width, one line", "one two three", 0, []string{"one two three"}},
		{"at spaces", "the first words and the others", 20, []string{"the first words and", "the others"}},
		{"a word is not broken", "arn:aws:ecs:eu-west-1:123456789012:task/x and more", 20, []string{"arn:aws:ecs:eu-west-1:123456789012:task/x", "and more"}},
		{"exactly full", "12345678901234567890 x", 20, []string{"12345678901234567890", "x"}},
		{"Japanese counts two columns", "一二三四五六七八九十一", 20, []string{"一二三四五六七八九十", "一"}},
		{"punctuation begins no line", "一二三四五六七八九十。一", 20, []string{"一二三四五六七八九", "十。一"}},
		{"a bracket ends no line", "一二三四五六七八九（十）", 20, []string{"一二三四五六七八九", "（十）"}},
		{"a word in Japanese stays whole", "一二三四五六七 eni-12345 です", 20, []string{"一二三四五六七", "eni-12345 です"}},
		{"nothing", "", 20, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := wrap(c.text, c.width); !slices.Equal(got, c.want) {
				t.Errorf("wrap(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
			}
		})
	}
}

// parse reads a record of the default format and tcp-flags.
func parse(t testing.TB, line string) (record.Format, *record.Record) {
	t.Helper()
	f, err := record.ParseFormat("default+tcp-flags")
	if err != nil {
		t.Fatal(err)
	}
	r := &record.Record{}
	if err := f.Parse([]byte(line), r); err != nil {
		t.Fatal(err)
	}
	return f, r
}

// TestMemoryIsBounded checks that the connections seen first are forgotten first.
func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(2)
	lines := []string{
		"3 1 eni-1 10.0.0.1 10.0.0.2 1000 80 6 1 40 100 110 ACCEPT OK 3",
		"3 1 eni-1 10.0.0.1 10.0.0.2 1001 80 6 1 40 100 110 ACCEPT OK 3",
		"3 1 eni-1 10.0.0.2 10.0.0.1 80 1001 6 1 40 100 110 ACCEPT OK 19",
		"3 1 eni-1 10.0.0.1 10.0.0.2 1002 80 6 1 40 100 110 ACCEPT OK 3",
	}
	for _, l := range lines {
		_, r := parse(t, l)
		m.see(r)
	}
	if len(m.conns) != 2 || len(m.order) != 2 {
		t.Fatalf("%d connections, %d in order; want 2", len(m.conns), len(m.order))
	}
	_, r := parse(t, lines[0])
	if mine, back := m.look(r); mine != (way{}) || back != (way{}) {
		t.Errorf("the first connection is still known: %+v, %+v", mine, back)
	}
	_, r = parse(t, lines[2])
	mine, back := m.look(r)
	if !mine.accepted || mine.flags != record.SYNACK|record.FIN || back.flags != record.SYN|record.FIN || back.closed != 0 {
		t.Errorf("the second one: %+v, %+v", mine, back)
	}
	if mine.closing != 100 || mine.closed != 110 {
		t.Errorf("closed in the record from %d to %d, want 100 to 110", mine.closing, mine.closed)
	}
}

// TestOthersAreOtherConnections checks that neither another interface's view nor another
// protocol is taken for the same connection.
func TestOthersAreOtherConnections(t *testing.T) {
	m := newMemory(0)
	_, r := parse(t, "3 1 eni-1 10.0.0.1 10.0.0.2 1000 80 6 1 40 100 110 ACCEPT OK 3")
	m.see(r)
	for _, l := range []string{
		"3 1 eni-2 10.0.0.1 10.0.0.2 1000 80 6 1 40 100 110 ACCEPT OK 3",
		"3 1 eni-1 10.0.0.1 10.0.0.2 1000 80 17 1 40 100 110 ACCEPT OK 0",
		"3 1 eni-1 10.0.0.1 10.0.0.2 1000 8 6 1 40 100 110 ACCEPT OK 3",
	} {
		_, r := parse(t, l)
		if mine, back := m.look(r); mine != (way{}) || back != (way{}) {
			t.Errorf("%s is known", l)
		}
	}
}

func TestFlagsKey(t *testing.T) {
	for flags, want := range map[record.Flags]string{
		0: "none", 1: "fin", 2: "syn", 3: "syn-fin", 4: "rst", 5: "rst", 6: "syn-rst", 7: "syn-rst",
		18: "syn-ack", 19: "syn-ack-fin", 22: "syn-ack-rst", 23: "syn-ack-rst", 16: "none", 24: "none",
	} {
		if got := flagsKey(flags); got != want {
			t.Errorf("flagsKey(%d) = %s, want %s", flags, got, want)
		}
		if _, ok := messages["flags."+flagsKey(flags)]; !ok {
			t.Errorf("no message for %d", flags)
		}
	}
}

// TestLate checks from when on a refused packet is late, for certain or likely.
func TestLate(t *testing.T) {
	words := Words{
		Protocol: func(int64) string { return "tcp" }, Service: func(int64) string { return "" },
		Count: func(int64) string { return "1" }, Bytes: func(int64) string { return "40 B" }, Time: func(int64) string { return "then" },
	}
	for _, c := range []struct {
		name, start, flags, want string
		late                     bool
	}{
		{"when the record that closed it has ended", "110", "0", "late", true},
		{"within that record", "109", "0", "late.likely", false},
		{"from its start on", "100", "4", "late.likely", false},
		{"before it", "99", "0", "refused.later", false},
		{"a new request is not late", "110", "2", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := New(Config{Words: words})
			_, r := parse(t, "3 1 eni-1 10.0.0.1 10.0.0.2 1000 80 6 9 900 100 110 ACCEPT OK 3")
			e.See(r)
			f, r := parse(t, "3 1 eni-1 10.0.0.1 10.0.0.2 1000 80 6 1 40 "+c.start+" 120 REJECT OK "+c.flags)
			e.See(r)
			x := e.Explain(f, r)
			got := ""
			for _, p := range x.Points {
				if strings.HasPrefix(p.Key, "late") || p.Key == "refused.later" {
					got += p.Key
				}
			}
			if got != c.want || x.Facts.Late != c.late {
				t.Errorf("%q, late %t; want %q, %t", got, x.Facts.Late, c.want, c.late)
			}
		})
	}
}
