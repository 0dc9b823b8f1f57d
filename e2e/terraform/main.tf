# Flow logs of a machine and of the network it is in, at weir serve. It prints four lines
# at its start, which say where the API is, with which key and in which region; with
# these in the environment:
#
#   terraform init
#   terraform apply -var address=10.0.0.80

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  skip_region_validation = true # a region of your own, such as local-1
  s3_use_path_style      = true # buckets are no names in DNS

  # Instead of AWS_ENDPOINT_URL, for instance where another provider speaks to Amazon:
  # endpoints {
  #   ec2 = "http://127.0.0.1:7979"
  #   s3  = "http://127.0.0.1:7979"
  #   sts = "http://127.0.0.1:7979"
  # }

  default_tags {
    tags = { managed-by = "terraform" }
  }
}

variable "address" {
  description = "An address of the machine, as ip address shows it"
  type        = string
}

variable "bucket" {
  type    = string
  default = "flow-logs"
}

variable "name" {
  description = "The Name of the interface's flow log"
  type        = string
  default     = "server"
}

variable "fields" {
  description = "What the subnet's records have, in this order"
  type        = list(string)
  default     = ["version", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "bytes", "action", "tcp-flags", "flow-direction"]
}

# Which interface has the address, and where is it?
data "aws_network_interface" "server" {
  filter {
    name   = "addresses.private-ip-address"
    values = [var.address]
  }
}

resource "aws_s3_bucket" "logs" {
  bucket        = var.bucket
  force_destroy = true # terraform destroy deletes the records, too
}

# All that the interface sends and gets, each minute, in Amazon's default format.
resource "aws_flow_log" "interface" {
  eni_id                   = data.aws_network_interface.server.id
  traffic_type             = "ALL"
  log_destination_type     = "s3"
  log_destination          = aws_s3_bucket.logs.arn
  max_aggregation_interval = 60

  tags = { Name = var.name }
}

# All of its subnet, with chosen fields, as Parquet that Athena and DuckDB find by hour.
resource "aws_flow_log" "subnet" {
  subnet_id            = data.aws_network_interface.server.subnet_id
  traffic_type         = "ALL"
  log_destination_type = "s3"
  log_destination      = "${aws_s3_bucket.logs.arn}/subnet/"
  log_format           = join(" ", [for f in var.fields : "$${${f}}"])

  destination_options {
    file_format                = "parquet"
    hive_compatible_partitions = true
    per_hour_partition         = true
  }
}

# What is refused anywhere in its VPC.
resource "aws_flow_log" "refused" {
  vpc_id               = data.aws_network_interface.server.vpc_id
  traffic_type         = "REJECT"
  log_destination_type = "s3"
  log_destination      = "${aws_s3_bucket.logs.arn}/refused/"
}

output "flow_logs" {
  value = [aws_flow_log.interface.id, aws_flow_log.subnet.id, aws_flow_log.refused.id]
}
