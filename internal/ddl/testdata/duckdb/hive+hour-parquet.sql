-- Flow logs in s3://logs/web, for DuckDB: Parquet of 54 fields, in folders
-- AWSLogs/aws-account-id=<account>/aws-service=vpcflowlogs/aws-region=<region>/year=<year>/month=<month>/day=<day>/hour=<hour>/
--
-- What to change:
--   the name of the view
--   credentials and region: see CREATE SECRET below; other S3 servers also need
--   ENDPOINT 'HOST:9000', URL_STYLE 'path', USE_SSL false

INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws;
CREATE OR REPLACE SECRET (TYPE s3, PROVIDER credential_chain, REGION 'eu-west-1', SCOPE 's3://logs/web/AWSLogs/');

CREATE OR REPLACE VIEW "flow_logs" AS
SELECT
  "version",
  "account_id",
  "interface_id",
  "srcaddr",
  "dstaddr",
  "srcport",
  "dstport",
  "protocol",
  "packets",
  "bytes",
  "start",
  "end",
  "action",
  "log_status",
  "vpc_id",
  "subnet_id",
  "instance_id",
  "tcp_flags",
  "type",
  "pkt_srcaddr",
  "pkt_dstaddr",
  "region",
  "az_id",
  "sublocation_type",
  "sublocation_id",
  "pkt_src_aws_service",
  "pkt_dst_aws_service",
  "flow_direction",
  "traffic_path",
  "ecs_cluster_arn",
  "ecs_cluster_name",
  "ecs_container_instance_arn",
  "ecs_container_instance_id",
  "ecs_container_id",
  "ecs_second_container_id",
  "ecs_service_name",
  "ecs_task_definition_arn",
  "ecs_task_arn",
  "ecs_task_id",
  "reject_reason",
  "resource_id",
  "encryption_status",
  "instance_tag",
  "instance_tag_2",
  "interface_tag",
  "interface_tag_2",
  "asg_tag",
  "asg_tag_2",
  "interface_type",
  "next_hop_interface_id",
  "next_hop_subnet_id",
  "next_hop_az_id",
  "next_hop_vpc_id",
  "next_hop_interface_type",
  "aws-account-id" AS "aws_account_id",
  "aws-region" AS "aws_region",
  "year",
  "month",
  "day",
  "hour"
FROM read_parquet(
  's3://logs/web/AWSLogs/aws-account-id=*/aws-service=vpcflowlogs/aws-region=eu-west-1/year=*/month=*/day=*/hour=*/*.log.parquet',
  hive_partitioning = true,
  hive_types = {'aws-account-id': VARCHAR, 'aws-service': VARCHAR, 'aws-region': VARCHAR, 'year': VARCHAR, 'month': VARCHAR, 'day': VARCHAR, 'hour': VARCHAR}
);

-- What a record does not have is null in files of Weir. In those of others it may be
-- '-' in text and 0 in numbers: nullif(instance_id, '-') makes it null.
