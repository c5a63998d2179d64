package cloudfront

import (
	"encoding/json"
	"net/http"
	"strings"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

// The event of Lambda@Edge, as AWS writes it down.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
type (
	lambdaEvent struct {
		Records []lambdaRecord `json:"Records"`
	}
	lambdaRecord struct {
		CF lambdaCF `json:"cf"`
	}
	lambdaCF struct {
		Config  lambdaConfig  `json:"config"`
		Request lambdaRequest `json:"request"`
	}
	lambdaConfig struct {
		DistributionDomainName string `json:"distributionDomainName"`
		DistributionID         string `json:"distributionId"`
		EventType              string `json:"eventType"`
		RequestID              string `json:"requestId"`
	}
	lambdaRequest struct {
		ClientIP    string          `json:"clientIp"`
		Headers     lambdaHeaders   `json:"headers"`
		Method      string          `json:"method"`
		Origin      *lambdaOrigin   `json:"origin"`
		QueryString string          `json:"querystring"`
		URI         string          `json:"uri"`
		Body        json.RawMessage `json:"body,omitempty"`
	}
	lambdaOrigin struct {
		S3     *lambdaS3     `json:"s3,omitempty"`
		Custom *lambdaCustom `json:"custom,omitempty"`
	}
	lambdaS3 struct {
		AuthMethod    string        `json:"authMethod"`
		CustomHeaders lambdaHeaders `json:"customHeaders"`
		DomainName    string        `json:"domainName"`
		Path          string        `json:"path"`
		Region        string        `json:"region"`
	}
	lambdaCustom struct {
		CustomHeaders    lambdaHeaders `json:"customHeaders"`
		DomainName       string        `json:"domainName"`
		KeepaliveTimeout int           `json:"keepaliveTimeout"`
		Path             string        `json:"path"`
		Port             int           `json:"port"`
		Protocol         string        `json:"protocol"`
		ReadTimeout      int           `json:"readTimeout"`
		SSLProtocols     []string      `json:"sslProtocols"`
	}
	lambdaResponse struct {
		Status            string        `json:"status"`
		StatusDescription string        `json:"statusDescription"`
		Headers           lambdaHeaders `json:"headers"`
		Body              string        `json:"body"`
		BodyEncoding      string        `json:"bodyEncoding"`
	}
	lambdaHeaders map[string][]lambdaHeader
	lambdaHeader  struct {
		Key   string `json:"key,omitempty"`
		Value string `json:"value"`
	}
)

// lambdaEvent describes a request to the origin for its function.
func (x *exchange) lambdaEvent(d *distribution.Distribution, in originRequest) lambdaEvent {
	headers := toLambda(in.header)
	headers["host"] = []lambdaHeader{{"Host", x.Origin.Domain}}
	return lambdaEvent{Records: []lambdaRecord{{CF: lambdaCF{
		Config: lambdaConfig{d.Domain, d.ID, "origin-request", requestID()},
		Request: lambdaRequest{
			ClientIP: x.clientIP, Headers: headers, Method: in.method, QueryString: in.query, URI: in.uri,
			Origin: toLambdaOrigin(x.Origin),
		},
	}}}}
}

func toLambdaOrigin(o *distribution.Origin) *lambdaOrigin {
	headers := lambdaHeaders{}
	for _, h := range o.CustomHeaders {
		headers[strings.ToLower(h.Name)] = []lambdaHeader{{h.Name, h.Value}}
	}
	if o.URL != nil {
		return &lambdaOrigin{Custom: &lambdaCustom{
			CustomHeaders: headers, DomainName: o.Domain, Port: 443, Protocol: "https", SSLProtocols: o.URL.SSLProtocols,
			KeepaliveTimeout: int(o.URL.KeepaliveTimeout.Seconds()), ReadTimeout: int(o.URL.ReadTimeout.Seconds()),
		}}
	}
	// authMethod knows only the identities that came before origin access control.
	return &lambdaOrigin{S3: &lambdaS3{AuthMethod: "none", CustomHeaders: headers, DomainName: o.Domain, Region: o.Region}}
}

// customHeaders are those that the distribution adds for the origin.
func (o *lambdaOrigin) customHeaders() lambdaHeaders {
	if o.Custom != nil {
		return o.Custom.CustomHeaders
	}
	return o.S3.CustomHeaders
}

// host is the name of the origin's host.
func (o *lambdaOrigin) host() string {
	if o.Custom != nil {
		return o.Custom.DomainName
	}
	return o.S3.DomainName
}

func toLambda(h http.Header) lambdaHeaders {
	out := lambdaHeaders{}
	for name, values := range h {
		for _, v := range values {
			lower := strings.ToLower(name)
			out[lower] = append(out[lower], lambdaHeader{name, v})
		}
	}
	return out
}
