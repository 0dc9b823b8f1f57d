# A log group of weir serve's own, the flow log that fills it, and a metric filter that
# counts what is refused into its /metrics. It stands beside main.tf.

variable "retention" {
  description = "Days that records are kept"
  type        = number
  default     = 7
}

resource "aws_cloudwatch_log_group" "flow" {
  name              = "/vpc/flow"
  retention_in_days = var.retention

  tags = { Name = var.name }
}

resource "aws_cloudwatch_log_stream" "notes" {
  name           = "notes"
  log_group_name = aws_cloudwatch_log_group.flow.name
}

resource "aws_cloudwatch_log_metric_filter" "refused" {
  name           = "refused"
  log_group_name = aws_cloudwatch_log_group.flow.name
  pattern        = "[version, account, eni, source, destination, srcport, dstport, protocol, packets, bytes, start, end, action=\"REJECT\", status]"

  metric_transformation {
    name       = "RefusedPackets"
    namespace  = "Flow"
    value      = "$packets"
    dimensions = { Interface = "$eni" }
  }
}

resource "aws_flow_log" "to_group" {
  eni_id                   = data.aws_network_interface.server.id
  traffic_type             = "ALL"
  log_destination_type     = "cloud-watch-logs"
  log_destination          = aws_cloudwatch_log_group.flow.arn
  iam_role_arn             = "arn:aws:iam::123456789012:role/any" # nobody takes it on
  max_aggregation_interval = 60
}
