package main

import (
	"bufio"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// A column of a table.
type column struct {
	name string
	cut  bool // whether long values may be cut: an id that is cut is of no use
	drop int  // on a narrow terminal columns with the highest go first; 0 never goes
}

// A table is rows of text under the names of columns.
type table struct {
	columns []column
	rows    [][]string
}

// minCut is how short a column may be cut.
const minCut = 8

// add adds a row, one value for each column; an empty one is shown as "-".
func (t *table) add(row ...string) {
	for i, v := range row {
		if row[i] = printable(v); row[i] == "" {
			row[i] = "-"
		}
	}
	t.rows = append(t.rows, row)
}

// printable replaces what could make a terminal do things.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?")))
}

// write writes the table. No line is longer than width: columns are left out, then
// values are cut. Zero is no limit.
func (t *table) write(w io.Writer, width int) error {
	shown, widths := t.layout(width)
	out := bufio.NewWriter(w)
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	for _, row := range slices.Concat([][]string{names}, t.rows) {
		line := ""
		for n, i := range shown {
			line += fit(row[i], widths[i])
			if n < len(shown)-1 {
				line += "  "
			}
		}
		out.WriteString(strings.TrimRight(line, " "))
		out.WriteByte('\n')
	}
	return out.Flush()
}

// layout returns which columns are shown, and how wide each is.
func (t *table) layout(width int) (shown, widths []int) {
	widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = utf8.RuneCountInString(c.name)
		for _, row := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		shown = append(shown, i)
	}
	if width <= 0 {
		return shown, widths
	}
	least := func(i int) int {
		if t.columns[i].cut {
			return min(widths[i], max(minCut, utf8.RuneCountInString(t.columns[i].name)))
		}
		return widths[i]
	}
	total := func(of func(int) int) int {
		n := 2 * (len(shown) - 1)
		for _, i := range shown {
			n += of(i)
		}
		return n
	}
	for total(least) > width {
		last := slices.MaxFunc(shown, func(a, b int) int { return t.columns[a].drop - t.columns[b].drop })
		if t.columns[last].drop == 0 {
			break
		}
		shown = slices.DeleteFunc(shown, func(i int) bool { return i == last })
	}
	full := func(i int) int { return widths[i] }
	for total(full) > width {
		widest := -1
		for _, i := range shown {
			if widths[i] > least(i) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			for _, i := range shown { // what must not be cut is too wide: cut it
				widths[i] = min(widths[i], max(1, width-total(full)+widths[i]))
			}
			break
		}
		widths[widest]--
	}
	return shown, widths
}

// fit pads or cuts a value.
func fit(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n <= width {
		return s + strings.Repeat(" ", width-n)
	}
	return string([]rune(s)[:max(0, width-1)]) + "…"
}

// widthOf returns the columns of the terminal that w is, 0 if it is none.
func widthOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
