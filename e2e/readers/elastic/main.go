// Command elastic reads a text file of flow log records with the processor that
// Filebeat has for them, and prints what it understood: the header, then a line
// for each record with "-" for what it left out. It takes no format with a field
// that it does not know; such columns are left out of what it is given, and print "?".
package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/x-pack/filebeat/processors/aws_vpcflow"
	"github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/mapstr"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	zip, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(zip)
	if !lines.Scan() {
		return fmt.Errorf("%s is empty: %w", name, lines.Err())
	}
	header := lines.Text()
	fields := strings.Fields(header)
	known := make([]bool, len(fields))
	var format []string
	for i, f := range fields {
		if _, err := processor(f); err == nil {
			known[i] = true
			format = append(format, f)
		} else if !strings.Contains(err.Error(), fmt.Sprintf("unknown field %q", f)) {
			return err
		}
	}
	p, err := processor(strings.Join(format, " "))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(out, header)
	for lines.Scan() {
		values := strings.Split(lines.Text(), " ")
		if len(values) != len(fields) {
			return fmt.Errorf("%d values for %d fields: %s", len(values), len(fields), lines.Text())
		}
		message := make([]string, 0, len(format))
		for i, v := range values {
			if known[i] {
				message = append(message, v)
			}
		}
		event, err := p.Run(&beat.Event{Fields: mapstr.M{"message": strings.Join(message, " ")}})
		if err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
		for i, f := range fields {
			if i > 0 {
				fmt.Fprint(out, " ")
			}
			if !known[i] {
				fmt.Fprint(out, "?")
				continue
			}
			v, err := event.Fields.GetValue("aws.vpcflow." + strings.ReplaceAll(f, "-", "_"))
			if t, ok := v.(time.Time); ok {
				v = t.Unix()
			}
			if err != nil {
				v = "-"
			}
			fmt.Fprint(out, v)
		}
		fmt.Fprintln(out)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return out.Flush()
}

// processor returns Filebeat's, for lines of a format.
func processor(format string) (beat.Processor, error) {
	c, err := config.NewConfigFrom(map[string]any{"format": format, "mode": "original"})
	if err != nil {
		return nil, err
	}
	return aws_vpcflow.New(c)
}
