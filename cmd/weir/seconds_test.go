package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"weir/internal/vpc"
)

// seconds is weir serve with windows of one second. The API's rule, 60 or 600,
// is checked where flow logs are made; whatever is below takes what it is given,
// so that everything else in this process is what weir serve does.
func seconds() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	o := serveOptions{config: os.Args[1], pin: os.Args[2]}
	err := func() error {
		cfg, err := o.load()
		if err != nil {
			return err
		}
		model := vpc.NewResolver(vpc.Options{Config: cfg, Logger: newLogger(false)})
		logs, err := declared(cfg, model.Index(), time.Now())
		if err != nil {
			return err
		}
		for i := range logs {
			logs[i].Interval = time.Second
		}
		s, err := openService(ctx, &o, cfg, model)
		if err != nil {
			return err
		}
		defer s.close()
		return s.run(ctx, logs)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "weir-seconds:", err)
		os.Exit(exitFailed)
	}
}
