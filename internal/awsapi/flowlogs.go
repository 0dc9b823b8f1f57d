package awsapi

import (
	"context"

	"weir/internal/ec2"
)

func (a *API) createFlowLogs(ctx context.Context, in *ec2.CreateFlowLogs) (*ec2.CreateFlowLogsAnswer, error) {
	return nil, nil
}
func (a *API) deleteFlowLogs(ctx context.Context, in *ec2.DeleteFlowLogs) (*ec2.DeleteFlowLogsAnswer, error) {
	return nil, nil
}
func (a *API) describeFlowLogs(ctx context.Context, in *ec2.DescribeFlowLogs) (*ec2.DescribeFlowLogsAnswer, error) {
	return nil, nil
}
func (a *API) getFlowLogsIntegrationTemplate(ctx context.Context, in *ec2.GetFlowLogsIntegrationTemplate) (*ec2.GetFlowLogsIntegrationTemplateAnswer, error) {
	return nil, nil
}
func (a *API) createTags(ctx context.Context, in *ec2.CreateTags) (*ec2.CreateTagsAnswer, error) {
	return nil, nil
}
func (a *API) deleteTags(ctx context.Context, in *ec2.DeleteTags) (*ec2.DeleteTagsAnswer, error) {
	return nil, nil
}
func (a *API) describeTags(ctx context.Context, in *ec2.DescribeTags) (*ec2.DescribeTagsAnswer, error) {
	return nil, nil
}
