# Flow logs that cannot be made, each with an error of Amazon's.

resource "aws_flow_log" "no_bucket" {
  eni_id               = data.aws_network_interface.server.id
  traffic_type         = "ALL"
  log_destination_type = "s3"
  log_destination      = "arn:aws:s3:::not-there"
}

resource "aws_flow_log" "bad_format" {
  eni_id               = data.aws_network_interface.server.id
  traffic_type         = "ALL"
  log_destination_type = "s3"
  log_destination      = "${aws_s3_bucket.logs.arn}/bad-format"
  log_format           = "$${version}, $${srcaddr}"
}

resource "aws_flow_log" "duplicate" {
  eni_id               = aws_flow_log.interface.eni_id
  traffic_type         = "ALL"
  log_destination_type = "s3"
  log_destination      = aws_flow_log.interface.log_destination
}
