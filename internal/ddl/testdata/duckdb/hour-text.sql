-- Flow logs in s3://logs/web, for DuckDB: gzip text of 54 fields, in folders
-- AWSLogs/<account>/vpcflowlogs/<region>/<year>/<month>/<day>/<hour>/
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
  split_part(parse_filename("filename"), '_', 1) AS "aws_account_id",
  split_part(parse_filename("filename"), '_', 3) AS "aws_region",
  CAST(strptime(left(split_part(parse_filename("filename"), '_', 5), 8), '%Y%m%d') AS DATE) AS "date",
  substr(split_part(parse_filename("filename"), '_', 5), 10, 2) AS "hour"
FROM read_csv(
  's3://logs/web/AWSLogs/*/vpcflowlogs/eu-west-1/*/*/*/*/*.log.gz',
  hive_partitioning = false,
  filename = true,
  delim = ' ',
  header = true,
  nullstr = '-',
  quote = '',
  escape = '',
  compression = 'gzip',
  auto_detect = false,
  columns = {'version': 'INTEGER', 'account_id': 'VARCHAR', 'interface_id': 'VARCHAR', 'srcaddr': 'VARCHAR', 'dstaddr': 'VARCHAR', 'srcport': 'INTEGER', 'dstport': 'INTEGER', 'protocol': 'INTEGER', 'packets': 'BIGINT', 'bytes': 'BIGINT', 'start': 'BIGINT', 'end': 'BIGINT', 'action': 'VARCHAR', 'log_status': 'VARCHAR', 'vpc_id': 'VARCHAR', 'subnet_id': 'VARCHAR', 'instance_id': 'VARCHAR', 'tcp_flags': 'INTEGER', 'type': 'VARCHAR', 'pkt_srcaddr': 'VARCHAR', 'pkt_dstaddr': 'VARCHAR', 'region': 'VARCHAR', 'az_id': 'VARCHAR', 'sublocation_type': 'VARCHAR', 'sublocation_id': 'VARCHAR', 'pkt_src_aws_service': 'VARCHAR', 'pkt_dst_aws_service': 'VARCHAR', 'flow_direction': 'VARCHAR', 'traffic_path': 'INTEGER', 'ecs_cluster_arn': 'VARCHAR', 'ecs_cluster_name': 'VARCHAR', 'ecs_container_instance_arn': 'VARCHAR', 'ecs_container_instance_id': 'VARCHAR', 'ecs_container_id': 'VARCHAR', 'ecs_second_container_id': 'VARCHAR', 'ecs_service_name': 'VARCHAR', 'ecs_task_definition_arn': 'VARCHAR', 'ecs_task_arn': 'VARCHAR', 'ecs_task_id': 'VARCHAR', 'reject_reason': 'VARCHAR', 'resource_id': 'VARCHAR', 'encryption_status': 'INTEGER', 'instance_tag': 'VARCHAR', 'instance_tag_2': 'VARCHAR', 'interface_tag': 'VARCHAR', 'interface_tag_2': 'VARCHAR', 'asg_tag': 'VARCHAR', 'asg_tag_2': 'VARCHAR', 'interface_type': 'VARCHAR', 'next_hop_interface_id': 'VARCHAR', 'next_hop_subnet_id': 'VARCHAR', 'next_hop_az_id': 'VARCHAR', 'next_hop_vpc_id': 'VARCHAR', 'next_hop_interface_type': 'VARCHAR'}
);
