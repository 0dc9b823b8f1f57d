module github.com/DataDog/datadog-go/v5

go 1.26.0
