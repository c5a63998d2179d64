package policies

// state is Pulumi's own: the environment's state bucket, the key of its secrets,
// and what the program asks before it registers anything.
// https://www.pulumi.com/docs/iac/concepts/state-and-backends/
func state(s Scope) topic {
	bucket := "arn:aws:s3:::" + s.StateBucket()
	objects := []string{bucket + "/*"}
	return topic{
		name: "state",
		read: []Statement{
			{
				Sid: "FindState", Why: "Pulumi lists stacks, locks and history",
				Actions: []string{"s3:ListBucket"}, Resources: []string{bucket},
			},
			{
				Sid:       "ReadState",
				Why:       "every operation starts from the state",
				Actions:   []string{"s3:GetObject"},
				Resources: objects,
			},
			{
				Sid:       "OpenSecrets",
				Why:       "Pulumi decrypts the state's secrets to compare them",
				Actions:   []string{"kms:Decrypt"},
				Resources: []string{s.SecretsKey},
			},
			{
				Sid: "Ask", Why: "these actions have no resource type: who am I, and random values for new link keys",
				Actions:   []string{"secretsmanager:GetRandomPassword", "sts:GetCallerIdentity"},
				Resources: []string{"*"},
			},
		},
		write: []Statement{
			{
				Sid:       "WriteState",
				Why:       "an update keeps its state, its lock and its history",
				Actions:   []string{"s3:DeleteObject", "s3:PutObject"},
				Resources: objects,
			},
			{
				Sid:       "CloseSecrets",
				Why:       "new secrets are encrypted in the state",
				Actions:   []string{"kms:Encrypt"},
				Resources: []string{s.SecretsKey},
			},
		},
	}
}
