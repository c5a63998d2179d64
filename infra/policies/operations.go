package policies

// ownLogGroups are the log groups that carry the environment's name, in the
// form for the group and the one for its streams.
func (s Scope) ownLogGroups() []string {
	own, script := "log-group:/"+s.Project+"/"+s.Environment+"/*", "log-group:/aws/cloudfront/function/"+s.prefix()+"*"
	return []string{s.arn("logs", own), s.arn("logs", script)}
}

// operations is what operators look at: log groups and deliveries, alarms,
// topics and the dashboard.
func operations(s Scope) topic {
	refusals := s.arn("logs", "log-group:/aws/cloudfront/LambdaEdge/*") // named by the distribution's id
	sources := []string{
		s.edge("logs", "delivery-source:"+s.prefix()+"*"), s.edge("logs", "delivery-destination:"+s.prefix()+"*"),
	}
	delivery := s.edge("logs", "delivery:*")
	topics := []string{s.arn("sns", s.prefix()+"*")}
	watched := []string{
		s.arn("cloudwatch", "alarm:"+s.prefix()+"*"), s.global("cloudwatch", "dashboard/"+s.prefix()+"*"),
	}
	return topic{
		name: "operations",
		read: []Statement{
			{
				Sid: "ReadUnnamedLogs", Why: "these actions list all or have no resource type",
				Actions: []string{"cloudwatch:DescribeAlarms", "logs:DescribeLogGroups"}, Resources: []string{"*"},
			},
			{
				Sid: "ReadMetricFilters", Why: "what is counted in our logs",
				Actions: []string{"logs:DescribeMetricFilters"}, Resources: s.ownLogGroups(),
			},
			{
				Sid: "ReadLogTags", Why: "the provider reads tags one by one",
				Actions:   []string{"logs:ListTagsForResource"},
				Resources: append(append(s.ownLogGroups(), refusals, delivery), sources...),
			},
			{
				Sid: "ReadDeliveries", Why: "access logs are delivered from us-east-1",
				Actions:   []string{"logs:GetDelivery", "logs:GetDeliveryDestination", "logs:GetDeliverySource"},
				Resources: append(sources[:2:2], delivery),
			},
			{
				Sid: "ReadAlarms", Why: "alarms and the dashboard",
				Actions: []string{"cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"}, Resources: watched,
			},
			{
				Sid: "ReadTopics", Why: "alarms' topics and their subscriptions", Resources: topics,
				Actions: []string{
					"sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic",
					"sns:ListTagsForResource",
				},
			},
		},
		write: []Statement{
			{
				Sid: "LogGroups", Why: "the functions' log groups, and what is counted in them", Resources: s.ownLogGroups(),
				Actions: []string{
					"logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy",
					"logs:DeleteMetricFilter", "logs:PutMetricFilter",
					"logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
				},
			},
			{
				Sid:       "MakeTaggedLogs",
				Why:       "groups of refusals and deliveries are ours by their tags",
				Condition: s.newTags(),
				Actions:   []string{"logs:CreateDelivery", "logs:CreateLogGroup"},
				Resources: append([]string{refusals, delivery}, sources...),
			},
			{
				Sid:       "ChangeTaggedLogs",
				Why:       "groups of refusals, deliveries and what they deliver from are ours by their tags",
				Condition: s.ownTags(),
				Actions: []string{
					"cloudfront:AllowVendedLogDeliveryForResource", "logs:DeleteDelivery", "logs:DeleteLogGroup",
					"logs:DeleteRetentionPolicy",
					"logs:PutRetentionPolicy", "logs:UntagResource", "logs:UpdateDeliveryConfiguration",
				},
				Resources: append([]string{refusals, delivery, s.global("cloudfront", "distribution/*")}, sources...),
			},
			{
				Sid:       "TagLogs",
				Why:       "tags make things ours, so another environment's are never tagged",
				Condition: s.tagging(),
				Actions:   []string{"logs:TagResource"}, Resources: append([]string{refusals, delivery}, sources...),
			},
			{
				Sid: "Deliveries", Why: "where access logs come from and go to", Resources: sources,
				Actions: []string{
					"logs:DeleteDeliveryDestination", "logs:DeleteDeliverySource", "logs:PutDeliveryDestination",
					"logs:PutDeliverySource", "logs:UntagResource",
				},
			},
			{
				Sid: "Alarms", Why: "alarms and the dashboard", Resources: watched,
				Actions: []string{
					"cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard",
					"cloudwatch:PutMetricAlarm",
					"cloudwatch:TagResource", "cloudwatch:UntagResource",
				},
			},
			{
				Sid: "Topics", Why: "alarms' topics and their subscriptions", Resources: topics,
				Actions: []string{
					"sns:CreateTopic", "sns:DeleteTopic", "sns:SetSubscriptionAttributes", "sns:SetTopicAttributes",
					"sns:Subscribe", "sns:TagResource",
					"sns:Unsubscribe", "sns:UntagResource",
				},
			},
		},
	}
}
