-- Flow logs in s3://logs/web, for Apache Spark: gzip text of 54 fields, in folders
-- AWSLogs/<account>/vpcflowlogs/<region>/<year>/<month>/<day>/
--
-- What to change:
--   the name of the table
--   s3:// is s3a:// outside Amazon EMR
--   the path: every query reads all of it, because these folders are no partitions;
--   replace * by a year, a month, a day to read less

CREATE OR REPLACE TEMPORARY VIEW `flow_logs` (
  `version` INT,
  `account_id` STRING,
  `interface_id` STRING,
  `srcaddr` STRING,
  `dstaddr` STRING,
  `srcport` INT,
  `dstport` INT,
  `protocol` INT,
  `packets` BIGINT,
  `bytes` BIGINT,
  `start` BIGINT,
  `end` BIGINT,
  `action` STRING,
  `log_status` STRING,
  `vpc_id` STRING,
  `subnet_id` STRING,
  `instance_id` STRING,
  `tcp_flags` INT,
  `type` STRING,
  `pkt_srcaddr` STRING,
  `pkt_dstaddr` STRING,
  `region` STRING,
  `az_id` STRING,
  `sublocation_type` STRING,
  `sublocation_id` STRING,
  `pkt_src_aws_service` STRING,
  `pkt_dst_aws_service` STRING,
  `flow_direction` STRING,
  `traffic_path` INT,
  `ecs_cluster_arn` STRING,
  `ecs_cluster_name` STRING,
  `ecs_container_instance_arn` STRING,
  `ecs_container_instance_id` STRING,
  `ecs_container_id` STRING,
  `ecs_second_container_id` STRING,
  `ecs_service_name` STRING,
  `ecs_task_definition_arn` STRING,
  `ecs_task_arn` STRING,
  `ecs_task_id` STRING,
  `reject_reason` STRING,
  `resource_id` STRING,
  `encryption_status` INT,
  `instance_tag` STRING,
  `instance_tag_2` STRING,
  `interface_tag` STRING,
  `interface_tag_2` STRING,
  `asg_tag` STRING,
  `asg_tag_2` STRING,
  `interface_type` STRING,
  `next_hop_interface_id` STRING,
  `next_hop_subnet_id` STRING,
  `next_hop_az_id` STRING,
  `next_hop_vpc_id` STRING,
  `next_hop_interface_type` STRING
)
USING csv
OPTIONS (
  sep ' ',
  header 'true',
  enforceSchema 'true',
  nullValue '-',
  quote '',
  mode 'FAILFAST',
  path 's3://logs/web/AWSLogs/*/vpcflowlogs/eu-west-1/*/*/*/*.log.gz'
);
