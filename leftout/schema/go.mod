module github.com/gofiber/schema

go 1.26.0
