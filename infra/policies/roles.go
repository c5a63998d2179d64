package policies

// Deploy returns what the environment's deploying role may do, as policies to
// be attached one by one: together they are longer than IAM takes in one.
func Deploy(s Scope) []Document {
	var documents []Document
	for _, t := range topics(s) {
		documents = append(documents, Document{Name: t.name, Statements: append(t.read, t.write...)})
	}
	return append(documents, guard(s))
}

// Preview returns what the environment's previewing role may do.
func Preview(s Scope) []Document {
	var documents []Document
	for _, t := range topics(s) {
		documents = append(documents, Document{Name: t.name, Statements: t.read})
	}
	return append(documents, guard(s))
}

// topic is what a role needs of a group of services: to read, as a preview with
// refresh does, and to make, change and delete.
type topic struct {
	name        string
	read, write []Statement
}

func topics(s Scope) []topic {
	return []topic{state(s), storage(s), functions(s), delivery(s), operations(s)}
}

// gitHub is the issuer of GitHub's tokens, without its scheme.
// https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
const gitHub = "token.actions.githubusercontent.com"

// ProviderURL is the address of GitHub's identity provider.
const ProviderURL = "https://" + gitHub

// Audience is whom GitHub's tokens for AWS are for.
const Audience = "sts.amazonaws.com"

// ProviderARN returns the ARN of GitHub's identity provider in an account.
func ProviderARN(account string) string {
	return Scope{Account: account}.iam("oidc-provider/" + gitHub)
}

// Trust returns the trust policy of a role that only jobs of one GitHub
// environment may take. subjects is what the repository's tokens begin with:
// repo:OWNER/NAME, or repo:OWNER@ID/NAME@ID for repositories whose subjects are
// immutable.
// https://docs.github.com/en/actions/reference/security/oidc
func Trust(account, subjects, gitHubEnvironment string) Document {
	return Document{Name: "trust", Statements: []Statement{{
		Sid: "GitHubEnvironment", Why: "a job takes the role only if GitHub let it into the environment",
		Federated: ProviderARN(account), Actions: []string{"sts:AssumeRoleWithWebIdentity"},
		Condition: when("StringEquals", map[string][]string{
			gitHub + ":aud": {Audience}, gitHub + ":sub": {subjects + ":environment:" + gitHubEnvironment},
		}),
	}}}
}

// guard is what neither role may do, whatever else it is given one day.
func guard(s Scope) Document {
	own := s.ownPrefix()
	statements := []Statement{
		{
			Sid: "NoRoleWithoutBoundary", Deny: true,
			Why: "a role without the boundary could be given more than its maker has",
			Actions: []string{
				"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
				"iam:PutRolePermissionsBoundary",
				"iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
			},
			Resources: []string{"*"},
			Condition: when("StringNotEquals", map[string][]string{"iam:PermissionsBoundary": {s.BoundaryARN()}}),
		},
		{
			Sid: "NoOtherIdentities", Deny: true,
			Why: "boundaries, policies, users and identity providers are the administrator's",
			Actions: []string{
				"iam:*AccessKey*", "iam:*LoginProfile*", "iam:*OpenIDConnectProvider*", "iam:*SAMLProvider*",
				"iam:AddUserToGroup", "iam:CreatePolicy*",
				"iam:CreateUser", "iam:DeletePolicy*", "iam:DeleteRolePermissionsBoundary", "iam:PutGroupPolicy",
				"iam:PutUser*", "iam:AttachGroupPolicy",
				"iam:AttachUserPolicy", "iam:SetDefaultPolicyVersion", "sts:AssumeRole",
			},
			Resources: []string{"*"},
		},
		{
			Sid: "NotTheBootstrap", Deny: true,
			Why:     "the roles, their policies and the boundaries are the administrator's",
			Actions: []string{"iam:*"}, Resources: []string{s.iam("role/" + own + "*"), s.iam("policy/" + own + "*")},
		},
		{
			Sid: "StateStaysLocked", Deny: true,
			Why: "the state bucket's settings and old versions are the administrator's",
			Actions: []string{
				"s3:BypassGovernanceRetention", "s3:DeleteBucket*", "s3:DeleteObjectVersion",
				"s3:PutAccountPublicAccessBlock", "s3:PutBucket*", "s3:PutEncryptionConfiguration",
				"s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration",
			},
			Resources: []string{"arn:aws:s3:::" + s.StateBucket(), "arn:aws:s3:::" + s.StateBucket() + "/*"},
		},
		{
			Sid: "SecretsKeyStays", Deny: true,
			Why: "who may use the secrets key, and that it stays, is the administrator's",
			Actions: []string{
				"kms:CreateGrant", "kms:DeleteImportedKeyMaterial", "kms:DisableKey*", "kms:PutKeyPolicy",
				"kms:ScheduleKeyDeletion", "kms:UpdateAlias",
			},
			Resources: []string{s.SecretsKey},
		},
	}
	if len(s.Foreign) > 0 {
		statements = append(statements, foreign(s))
	}
	return Document{Name: "guard", Statements: statements}
}

// foreign denies what CloudFront names by id and belongs to others.
func foreign(s Scope) Statement {
	return Statement{
		Sid: "OtherEnvironments", Deny: true,
		Why:     "other environments' stores and policies carry no name and no tag that could tell them apart",
		Actions: []string{"cloudfront-keyvaluestore:*", "cloudfront:*"}, Resources: s.Foreign,
	}
}
