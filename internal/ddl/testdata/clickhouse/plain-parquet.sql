-- Flow logs in s3://logs/web, for ClickHouse: Parquet of 54 fields, in folders
-- AWSLogs/<account>/vpcflowlogs/<region>/<year>/<month>/<day>/
--
-- What to change:
--   the names of table and view
--   the address: one with the region of the bucket, such as s3.eu-west-1.amazonaws.com, is faster
--   and sometimes needed; other S3 servers: http://HOST:9000/BUCKET/...
--   keys, unless the server finds them itself: S3('...', 'KEY ID', 'SECRET', ...)

CREATE TABLE IF NOT EXISTS `flow_logs_files` (
  `version` Nullable(Int32),
  `account_id` Nullable(String),
  `interface_id` Nullable(String),
  `srcaddr` Nullable(String),
  `dstaddr` Nullable(String),
  `srcport` Nullable(Int32),
  `dstport` Nullable(Int32),
  `protocol` Nullable(Int32),
  `packets` Nullable(Int64),
  `bytes` Nullable(Int64),
  `start` Nullable(Int64),
  `end` Nullable(Int64),
  `action` Nullable(String),
  `log_status` Nullable(String),
  `vpc_id` Nullable(String),
  `subnet_id` Nullable(String),
  `instance_id` Nullable(String),
  `tcp_flags` Nullable(Int32),
  `type` Nullable(String),
  `pkt_srcaddr` Nullable(String),
  `pkt_dstaddr` Nullable(String),
  `region` Nullable(String),
  `az_id` Nullable(String),
  `sublocation_type` Nullable(String),
  `sublocation_id` Nullable(String),
  `pkt_src_aws_service` Nullable(String),
  `pkt_dst_aws_service` Nullable(String),
  `flow_direction` Nullable(String),
  `traffic_path` Nullable(Int32),
  `ecs_cluster_arn` Nullable(String),
  `ecs_cluster_name` Nullable(String),
  `ecs_container_instance_arn` Nullable(String),
  `ecs_container_instance_id` Nullable(String),
  `ecs_container_id` Nullable(String),
  `ecs_second_container_id` Nullable(String),
  `ecs_service_name` Nullable(String),
  `ecs_task_definition_arn` Nullable(String),
  `ecs_task_arn` Nullable(String),
  `ecs_task_id` Nullable(String),
  `reject_reason` Nullable(String),
  `resource_id` Nullable(String),
  `encryption_status` Nullable(Int32),
  `instance_tag` Nullable(String),
  `instance_tag_2` Nullable(String),
  `interface_tag` Nullable(String),
  `interface_tag_2` Nullable(String),
  `asg_tag` Nullable(String),
  `asg_tag_2` Nullable(String),
  `interface_type` Nullable(String),
  `next_hop_interface_id` Nullable(String),
  `next_hop_subnet_id` Nullable(String),
  `next_hop_az_id` Nullable(String),
  `next_hop_vpc_id` Nullable(String),
  `next_hop_interface_type` Nullable(String)
)
ENGINE = S3('https://logs.s3.amazonaws.com/web/AWSLogs/*/vpcflowlogs/eu-west-1/*/*/*/*.log.parquet', 'Parquet');

CREATE OR REPLACE VIEW `flow_logs` AS
SELECT
  *,
  splitByChar('_', _file)[1] AS `aws_account_id`,
  splitByChar('_', _file)[3] AS `aws_region`,
  parseDateTime(substring(splitByChar('_', _file)[5], 1, 8), '%Y%m%d')::Date AS `date`
FROM `flow_logs_files`;

-- What a record does not have is null in files of Weir. In those of others it may be
-- '-' in text and 0 in numbers: nullif(instance_id, '-') makes it null.
