// Command elastic reads a text file of flow log records with the processor that
// Filebeat has for them, and prints what it understood: the header, then a line
// for each record with "-" for what it left out. It knows versions 2 to 5.
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
	c, err := config.NewConfigFrom(map[string]any{"format": header, "mode": "original"})
	if err != nil {
		return err
	}
	p, err := aws_vpcflow.New(c)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(out, header)
	for lines.Scan() {
		event, err := p.Run(&beat.Event{Fields: mapstr.M{"message": lines.Text()}})
		if err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
		for i, f := range fields {
			if i > 0 {
				fmt.Fprint(out, " ")
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
