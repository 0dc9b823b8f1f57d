-- Flow logs in s3://logs/web, for Amazon Athena: gzip text of 54 fields, in folders
-- AWSLogs/<account>/vpcflowlogs/<region>/<year>/<month>/<day>/<hour>/
--
-- What to change:
--   the name of the table; put the name of a database and a dot before it
--   aws_account_id, aws_region: the values there are
--   date: its range, from the first day with files; values are like '2026/11/24'

CREATE EXTERNAL TABLE IF NOT EXISTS `flow_logs` (
  `version` int,
  `account_id` string,
  `interface_id` string,
  `srcaddr` string,
  `dstaddr` string,
  `srcport` int,
  `dstport` int,
  `protocol` int,
  `packets` bigint,
  `bytes` bigint,
  `start` bigint,
  `end` bigint,
  `action` string,
  `log_status` string,
  `vpc_id` string,
  `subnet_id` string,
  `instance_id` string,
  `tcp_flags` int,
  `type` string,
  `pkt_srcaddr` string,
  `pkt_dstaddr` string,
  `region` string,
  `az_id` string,
  `sublocation_type` string,
  `sublocation_id` string,
  `pkt_src_aws_service` string,
  `pkt_dst_aws_service` string,
  `flow_direction` string,
  `traffic_path` int,
  `ecs_cluster_arn` string,
  `ecs_cluster_name` string,
  `ecs_container_instance_arn` string,
  `ecs_container_instance_id` string,
  `ecs_container_id` string,
  `ecs_second_container_id` string,
  `ecs_service_name` string,
  `ecs_task_definition_arn` string,
  `ecs_task_arn` string,
  `ecs_task_id` string,
  `reject_reason` string,
  `resource_id` string,
  `encryption_status` int,
  `instance_tag` string,
  `instance_tag_2` string,
  `interface_tag` string,
  `interface_tag_2` string,
  `asg_tag` string,
  `asg_tag_2` string,
  `interface_type` string,
  `next_hop_interface_id` string,
  `next_hop_subnet_id` string,
  `next_hop_az_id` string,
  `next_hop_vpc_id` string,
  `next_hop_interface_type` string
)
PARTITIONED BY (
  `aws_account_id` string,
  `aws_region` string,
  `date` string,
  `hour` string
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES ('field.delim' = ' ', 'serialization.format' = ' ', 'serialization.null.format' = '-')
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://logs/web/AWSLogs/'
TBLPROPERTIES (
  'classification' = 'csv',
  'skip.header.line.count' = '1',
  'projection.enabled' = 'true',
  'storage.location.template' = 's3://logs/web/AWSLogs/${aws_account_id}/vpcflowlogs/${aws_region}/${date}/${hour}/',
  'projection.aws_account_id.type' = 'enum',
  'projection.aws_account_id.values' = '123456789012,210987654321',
  'projection.aws_region.type' = 'enum',
  'projection.aws_region.values' = 'eu-west-1',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy/MM/dd',
  'projection.date.range' = '2026/11/24,NOW',
  'projection.date.interval' = '1',
  'projection.date.interval.unit' = 'DAYS',
  'projection.hour.type' = 'integer',
  'projection.hour.digits' = '2',
  'projection.hour.range' = '0,23'
);

-- A day of it:
-- SELECT * FROM "flow_logs" WHERE "date" = '2026/11/24' LIMIT 10;
