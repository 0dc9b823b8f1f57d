package awsapi

import (
	"context"

	"weir/internal/ec2"
)

func (a *API) getFlowLogsIntegrationTemplate(ctx context.Context, in *ec2.GetFlowLogsIntegrationTemplate) (*ec2.GetFlowLogsIntegrationTemplateAnswer, error) {
	return nil, nil
}
