module github.com/smira/go-statsd

go 1.26.0
