-- Flow logs in s3://logs/web, for Apache Spark: Parquet of 54 fields, in folders
-- AWSLogs/aws-account-id=<account>/aws-service=vpcflowlogs/aws-region=<region>/year=<year>/month=<month>/day=<day>/
--
-- What to change:
--   the name of the table
--   s3:// is s3a:// outside Amazon EMR

CREATE TABLE IF NOT EXISTS `flow_logs` (
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
  `next_hop_interface_type` STRING,
  `aws-account-id` STRING,
  `aws-service` STRING,
  `aws-region` STRING,
  `year` STRING,
  `month` STRING,
  `day` STRING
)
USING parquet
PARTITIONED BY (
  `aws-account-id`,
  `aws-service`,
  `aws-region`,
  `year`,
  `month`,
  `day`
)
LOCATION 's3://logs/web/AWSLogs/';

-- Finds the folders there are; run it again when there are new ones.
MSCK REPAIR TABLE `flow_logs`;

-- What a record does not have is null in files of Weir. In those of others it may be
-- '-' in text and 0 in numbers: nullif(instance_id, '-') makes it null.

-- A day of it:
-- SELECT * FROM `flow_logs` WHERE `year` = '2026' AND `month` = '11' AND `day` = '24' LIMIT 10;
