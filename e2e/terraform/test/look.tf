# Every data source that TestTerraform holds Weir to, and what it has to find.

data "aws_caller_identity" "me" {}

data "aws_regions" "all" {}

data "aws_availability_zones" "all" {
  state = "available"
}

data "aws_availability_zone" "one" {
  name = data.aws_availability_zones.all.names[0]
}

data "aws_vpcs" "lab" {
  filter {
    name   = "cidr-block-association.cidr-block"
    values = ["10.199.0.0/24"]
  }
}

data "aws_vpc" "lab" {
  id = data.aws_vpcs.lab.ids[0]
}

data "aws_vpc" "by_cidr" {
  cidr_block = "10.199.0.0/24"
}

data "aws_subnets" "lab" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.lab.id]
  }
}

data "aws_subnet" "lab" {
  id = data.aws_subnets.lab.ids[0]
}

data "aws_network_interfaces" "lab" {
  filter {
    name   = "subnet-id"
    values = [data.aws_subnet.lab.id]
  }
}

data "aws_security_groups" "web" {
  tags = { tier = "web" }
}

data "aws_security_group" "web" {
  name   = "web"
  vpc_id = data.aws_vpc.lab.id
}

data "aws_vpc_security_group_rules" "web" {
  filter {
    name   = "group-id"
    values = [data.aws_security_group.web.id]
  }
}

data "aws_vpc_security_group_rule" "web" {
  security_group_rule_id = data.aws_vpc_security_group_rules.web.ids[0]
}

data "aws_network_acls" "lab" {
  vpc_id = data.aws_vpc.lab.id
}

data "aws_instances" "none" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.lab.id]
  }
}

data "aws_s3_bucket" "logs" {
  bucket = aws_s3_bucket.logs.id
}

resource "aws_s3_object" "note" {
  bucket  = aws_s3_bucket.logs.id
  key     = "note.txt"
  content = "records"
  tags    = { a = "b c" }
}

output "found" {
  value = {
    account    = data.aws_caller_identity.me.account_id
    region     = join(" ", data.aws_regions.all.names)
    zone       = data.aws_availability_zone.one.region
    vpc        = data.aws_vpc.lab.cidr_block == data.aws_vpc.by_cidr.cidr_block ? data.aws_vpc.lab.cidr_block : "another"
    subnet     = data.aws_subnet.lab.cidr_block
    interfaces = length(data.aws_network_interfaces.lab.ids)
    group      = data.aws_security_group.web.id == data.aws_security_groups.web.ids[0] ? data.aws_security_group.web.description : "another"
    rule       = data.aws_vpc_security_group_rule.web.cidr_ipv4
    acls       = length(data.aws_network_acls.lab.ids)
    bucket     = data.aws_s3_bucket.logs.arn
  }
}
