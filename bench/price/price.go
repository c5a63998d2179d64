// Package price is what AWS bills: its list prices for the United States and
// Europe as of 2026, in dollars, without free tiers. Benchmarks reckon with them,
// and tests hold the pages to them.
package price

// CloudFront's, from https://aws.amazon.com/cloudfront/pricing/.
const (
	Requests         = 1.00  // a million HTTPS requests
	FunctionRuns     = 0.10  // a million runs of CloudFront Functions
	StoreReads       = 0.03  // a million reads of a key value store
	InvalidationPath = 0.005 // a path, beyond the first thousand of a month
)

// Lambda's, from https://aws.amazon.com/lambda/pricing/.
const (
	EdgeRuns     = 0.60         // a million runs of Lambda@Edge
	EdgeSecond   = 0.00005001   // a gigabyte of memory of Lambda@Edge during a second
	LambdaRuns   = 0.20         // a million runs
	LambdaSecond = 0.0000133334 // a gigabyte of memory during a second, on arm64
)

// TableReads is DynamoDB's, for a million read request units on demand: one
// consistent read each. https://aws.amazon.com/dynamodb/pricing/on-demand/
const TableReads = 0.125

// ObjectReads is S3's, for a million GETs. https://aws.amazon.com/s3/pricing/
const ObjectReads = 0.40
