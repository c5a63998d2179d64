package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/plan"
)

func viewerCertificate(t *testing.T, doc *plan.Document) any {
	t.Helper()
	return find(t, doc, "Distribution", "cdn").Inputs["viewerCertificate"]
}

func TestWithoutOwnNamesCloudFrontsCertificateServes(t *testing.T) {
	doc := planOf(t, "dev", nil)
	assert.Equal(t, map[string]any{"cloudfrontDefaultCertificate": true}, viewerCertificate(t, doc))
	assert.Empty(t, kinds(doc, "Record"))
	assert.Equal(t, "https://d111111abcdef8.cloudfront.net", doc.Outputs["cdnBaseUrl"])
}

func TestAGivenCertificateServesAndDNSIsLeftAlone(t *testing.T) {
	doc := planOf(t, "dev", config{"aliases": list("media.example.com", "cdn.example.com"), "certificateArn": certificate})
	assert.Equal(t, map[string]any{"acmCertificateArn": certificate, "minimumProtocolVersion": "TLSv1.2_2021",
		"sslSupportMethod": "sni-only"}, viewerCertificate(t, doc))
	assert.Equal(t, []any{"media.example.com", "cdn.example.com"}, find(t, doc, "Distribution", "cdn").Inputs["aliases"])
	assert.Equal(t, "https://media.example.com", doc.Outputs["cdnBaseUrl"])
	assert.Empty(t, kinds(doc, "Record"))
	assert.Empty(t, kinds(doc, "Certificate"))
}

func TestAGivenCertificateWithAZoneGetsItsNames(t *testing.T) {
	doc := planOf(t, "dev", config{"aliases": list("media.example.com"), "certificateArn": certificate,
		"hostedZoneId": "Z2FDTNDATAQYW2"})
	assert.Empty(t, kinds(doc, "Certificate"))
	assert.Len(t, kinds(doc, "Record"), 2)
}

func TestAZoneGetsACertificateItsProofsAndTheNames(t *testing.T) {
	doc := planOf(t, "everything", nil)
	cert := find(t, doc, "Certificate", "cdn")
	assert.Equal(t, "us-east-1", cert.Region, "the only region that CloudFront takes certificates from")
	assert.Equal(t, "media.example.com", cert.Inputs["domainName"])
	assert.Equal(t, []any{"*.media.example.com"}, cert.Inputs["subjectAlternativeNames"])
	assert.Equal(t, "DNS", cert.Inputs["validationMethod"])

	for _, alias := range []string{"media.example.com", "*.media.example.com"} {
		for version, kind := range map[string]string{"ipv4": "A", "ipv6": "AAAA"} {
			record := find(t, doc, "Record", alias+"-"+version).Inputs
			assert.Equal(t, kind, record["type"])
			assert.Equal(t, alias, record["name"])
			assert.Equal(t, "Z2FDTNDATAQYW2", record["zoneId"])
			assert.Equal(t, doc.Outputs["distributionDomain"], at(record, "aliases[0].name"))
		}
	}
	proof := find(t, doc, "Record", "proof-media.example.com").Inputs
	assert.Equal(t, "_proof.media.example.com.", proof["name"])
	assert.NotContains(t, proof, "allowOverwrite", "another stack's record is not ours to take")
	assert.Len(t, kinds(doc, "Record"), 5, "a wildcard is proven by its parent's record")
	valid := find(t, doc, "CertificateValidation", "cdn")
	assert.Equal(t, "us-east-1", valid.Region)
	assert.Equal(t, []any{"_proof.media.example.com"}, valid.Inputs["validationRecordFqdns"])
	assert.Equal(t, valid.Outputs["certificateArn"], at(viewerCertificate(t, doc), "acmCertificateArn"))
}

func TestAWildcardAloneIsProvenByItsParentsRecord(t *testing.T) {
	doc := planOf(t, "dev", config{"aliases": list("media.example.com", "*.pictures.example.com"),
		"hostedZoneId": "Z2FDTNDATAQYW2"})
	assert.Equal(t, "_proof.pictures.example.com.", find(t, doc, "Record", "proof-pictures.example.com").Inputs["name"])
	assert.Len(t, find(t, doc, "CertificateValidation", "cdn").Inputs["validationRecordFqdns"], 2)
}
