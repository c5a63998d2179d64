package doctor

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
)

// answers is what a response headers policy promises: that an uploaded document can do nothing, that viewers come back
// by HTTPS, and which pages may read what they get.
type answers struct {
	CORS struct {
		Credentials bool                     `json:"accessControlAllowCredentials"`
		Origins     struct{ Items []string } `json:"accessControlAllowOrigins"`
	} `json:"corsConfig"`
	Remove struct{ Items []struct{ Header string } } `json:"removeHeadersConfig"`
	Secure struct {
		Content struct {
			Policy   string `json:"contentSecurityPolicy"`
			Override bool
		} `json:"contentSecurityPolicy"`
		Types struct{ Override bool } `json:"contentTypeOptions"`
		TLS   struct {
			Seconds  int32 `json:"accessControlMaxAgeSec"`
			Override bool
		} `json:"strictTransportSecurity"`
	} `json:"securityHeadersConfig"`
}

// headersPolicy compares what two policies do to answers.
func (d edge) headersPolicy(ctx context.Context, what, made, id string) {
	planned := d.byID("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", made)
	if planned.Type == "" || id == "" {
		d.same(what, made, id)
		return
	}
	var want answers
	if err := d.decode(planned, &want); err != nil {
		d.failed(what, err)
		return
	}
	out, err := d.client.GetResponseHeadersPolicy(ctx, &cloudfront.GetResponseHeadersPolicyInput{Id: &id})
	if err != nil {
		d.failed(what, err, "NoSuchResponseHeadersPolicy")
		return
	}
	d.same(what, want.sorted(), answersOf(out.ResponseHeadersPolicy.ResponseHeadersPolicyConfig).sorted())
}

func answersOf(c *types.ResponseHeadersPolicyConfig) (a answers) {
	if c.CorsConfig != nil {
		a.CORS.Credentials = aws.ToBool(c.CorsConfig.AccessControlAllowCredentials)
		a.CORS.Origins.Items = c.CorsConfig.AccessControlAllowOrigins.Items
	}
	if c.RemoveHeadersConfig != nil {
		for _, h := range c.RemoveHeadersConfig.Items {
			a.Remove.Items = append(a.Remove.Items, struct{ Header string }{aws.ToString(h.Header)})
		}
	}
	s := c.SecurityHeadersConfig
	if s != nil && s.ContentSecurityPolicy != nil {
		a.Secure.Content.Policy = aws.ToString(s.ContentSecurityPolicy.ContentSecurityPolicy)
		a.Secure.Content.Override = aws.ToBool(s.ContentSecurityPolicy.Override)
	}
	if s != nil && s.ContentTypeOptions != nil {
		a.Secure.Types.Override = aws.ToBool(s.ContentTypeOptions.Override)
	}
	if s != nil && s.StrictTransportSecurity != nil {
		a.Secure.TLS.Seconds = aws.ToInt32(s.StrictTransportSecurity.AccessControlMaxAgeSec)
		a.Secure.TLS.Override = aws.ToBool(s.StrictTransportSecurity.Override)
	}
	return a
}

// sorted returns a with its lists in order.
func (a answers) sorted() answers {
	slices.Sort(a.CORS.Origins.Items)
	slices.SortFunc(a.Remove.Items, func(x, y struct{ Header string }) int {
		return slices.Compare([]byte(x.Header), []byte(y.Header))
	})
	return a
}
