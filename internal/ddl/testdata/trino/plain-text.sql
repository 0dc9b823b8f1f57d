-- Flow logs in s3://logs/web, for the Hive connector of Trino: gzip text of 54 fields, in folders
-- AWSLogs/<account>/vpcflowlogs/<region>/<year>/<month>/<day>/
--
-- What to change:
--   the name of the table; put catalog and schema before it: hive.default.flow_logs
--   s3:// is s3a:// in some older installations
--   aws_account_id, aws_region: the values there are
--   date: its range, from the first day with files; values are like '2026/11/24'

CREATE TABLE IF NOT EXISTS "flow_logs" (
  "version" integer,
  "account_id" varchar,
  "interface_id" varchar,
  "srcaddr" varchar,
  "dstaddr" varchar,
  "srcport" integer,
  "dstport" integer,
  "protocol" integer,
  "packets" bigint,
  "bytes" bigint,
  "start" bigint,
  "end" bigint,
  "action" varchar,
  "log_status" varchar,
  "vpc_id" varchar,
  "subnet_id" varchar,
  "instance_id" varchar,
  "tcp_flags" integer,
  "type" varchar,
  "pkt_srcaddr" varchar,
  "pkt_dstaddr" varchar,
  "region" varchar,
  "az_id" varchar,
  "sublocation_type" varchar,
  "sublocation_id" varchar,
  "pkt_src_aws_service" varchar,
  "pkt_dst_aws_service" varchar,
  "flow_direction" varchar,
  "traffic_path" integer,
  "ecs_cluster_arn" varchar,
  "ecs_cluster_name" varchar,
  "ecs_container_instance_arn" varchar,
  "ecs_container_instance_id" varchar,
  "ecs_container_id" varchar,
  "ecs_second_container_id" varchar,
  "ecs_service_name" varchar,
  "ecs_task_definition_arn" varchar,
  "ecs_task_arn" varchar,
  "ecs_task_id" varchar,
  "reject_reason" varchar,
  "resource_id" varchar,
  "encryption_status" integer,
  "instance_tag" varchar,
  "instance_tag_2" varchar,
  "interface_tag" varchar,
  "interface_tag_2" varchar,
  "asg_tag" varchar,
  "asg_tag_2" varchar,
  "interface_type" varchar,
  "next_hop_interface_id" varchar,
  "next_hop_subnet_id" varchar,
  "next_hop_az_id" varchar,
  "next_hop_vpc_id" varchar,
  "next_hop_interface_type" varchar,
  "aws_account_id" varchar WITH (partition_projection_type = 'enum', partition_projection_values = ARRAY['123456789012', '210987654321']),
  "aws_region" varchar WITH (partition_projection_type = 'enum', partition_projection_values = ARRAY['eu-west-1']),
  "date" varchar WITH (partition_projection_type = 'date', partition_projection_format = 'yyyy/MM/dd', partition_projection_range = ARRAY['2026/11/24', 'NOW'], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')
) WITH (
  format = 'TEXTFILE',
  textfile_field_separator = ' ',
  null_format = '-',
  skip_header_line_count = 1,
  external_location = 's3://logs/web/AWSLogs/',
  partitioned_by = ARRAY['aws_account_id', 'aws_region', 'date'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://logs/web/AWSLogs/${aws_account_id}/vpcflowlogs/${aws_region}/${date}/'
);

-- A day of it:
-- SELECT * FROM "flow_logs" WHERE "date" = '2026/11/24' LIMIT 10;
