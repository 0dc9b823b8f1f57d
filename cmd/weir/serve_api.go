package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"weir/internal/awsapi"
	"weir/internal/delivery"
	"weir/internal/ec2"
	"weir/internal/kv"
	"weir/internal/vpc"
)

// listen opens the address of the API.
func listen(cfg *vpc.ServeConfig, insecure bool) (net.Listener, error) {
	if cfg.TLSCert == "" {
		if !insecure && !loopback(cfg.Listen) {
			return nil, hintError{fmt.Errorf("listen on %s: others could read what is sent there, without TLS", cfg.Listen),
				"give a certificate (serve.tls-cert, serve.tls-key), listen on 127.0.0.1, or say --insecure"}
		}
		return net.Listen("tcp", cfg.Listen)
	}
	cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return tls.Listen("tcp", cfg.Listen, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
}

// loopback says whether only this machine reaches an address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// endpoint is the URL of the API. An address of every interface is given as that
// of this machine.
func (s *service) endpoint() string {
	scheme, addr := "http", s.front.Addr().String()
	if s.cfg.Serve.TLSCert != "" {
		scheme = "https"
	}
	if tcp, ok := s.front.Addr().(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		addr = net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	return scheme + "://" + addr
}

// openAPI makes what answers on the address of the API: Amazon EC2, STS, CloudWatch Logs
// and S3.
func (s *service) openAPI(tags, tokens kv.Bucket, d *destinations) (err error) {
	s.api, err = awsapi.New(awsapi.Config{
		Account: string(s.cfg.Account), Region: string(s.cfg.Region),
		Keys: s.keys.Lookup, Logs: s.logs, Model: s.model.Index, Tags: tags, Tokens: tokens,
		Bucket: func(ctx context.Context, bucket string) error { return whyNot(bucket, d.buckets.Check(ctx, bucket)) },
		Stream: func(ctx context.Context, stream string) error { return whyNot(stream, d.streams.Check(ctx, stream)) },
		S3:     s.objects.Handler(), CloudWatch: s.cloudwatch, Logger: s.log,
	})
	return err
}

// whyNot says in Amazon's words why nothing can be delivered to a bucket or a delivery
// stream. Without an entry in the configuration it says what is missing.
func whyNot(name string, err error) error {
	var f *delivery.Failure
	switch {
	case err == nil || !errors.As(err, &f):
		return err
	case f.Code == "NoSuchBucket", f.Code == "ResourceNotFoundException":
		return ec2.DestinationNotFound.With(name)
	case f.Kind == delivery.AccessError && f.Code != "":
		return ec2.DestinationDenied.With(name)
	}
	return ec2.DestinationUnreachable.With(name, f.Message)
}

// serveAPI answers until ctx ends.
func (s *service) serveAPI(ctx context.Context) error {
	server := &http.Server{Handler: s.api, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	server.RegisterOnShutdown(s.cloudwatch.Close) // live tails have no end of their own
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
	})
	defer stop()
	go func() {
		if err := s.api.Warm(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("flow logs can't be read yet", "error", err)
		}
	}()
	if err := server.Serve(s.front); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
