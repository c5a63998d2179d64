package stack

// eventsLateSeconds is how old a message may become: a first try, and a second after the message was hidden, are
// nothing to wake anybody for.
const eventsLateSeconds = 2 * eventsHiddenSeconds

// alarms are the rows of every stack.
var alarms = []alarm{
	{
		name: "HighErrorRate", place: atCloudFront, of: distributionMetrics, metric: "5xxErrorRate", statistic: "Average",
		configured: func(c Config) int { return c.ErrorRatePercent },
		why:        "Viewers get server errors instead of media.",
		do: "Look at the alarms of the edge function and the table first; if a deployment came just before, roll " +
			"it back.",
	},
	{
		name: "ClientErrorSurge", place: atCloudFront, of: distributionMetrics, metric: "4xxErrorRate",
		statistic: "Average", periods: 3,
		configured: func(c Config) int { return c.ClientErrorRatePercent },
		why: "Many requests are for links that are dead or never were: an application shows old links, or someone " +
			"guesses.",
		do: "See in the access logs which addresses and paths; renew the application's links, or block the " +
			"guesser with the web ACL.",
	},
	{
		name: "HighLatency", place: atEdge, of: edgeMetrics, metric: "Duration", statistic: "Average",
		configured: func(c Config) int { return c.LatencyMilliseconds },
		why:        "Every photo that is not cached yet waits this long before it starts to load.",
		do: "Compare with the table's latency on the dashboard; add a replica region near this one, or raise " +
			"edgeMemoryMb if cold starts dominate.",
	},
	{
		name: "EdgeThrottled", place: atEdge, of: edgeMetrics, metric: "Throttles",
		why: "Lambda refuses to run the edge function in this region, and those viewers get 503.",
		do:  "Ask AWS for more concurrency in this region; see on the dashboard whether the cache hit rate fell.",
	},
	{
		name: "EdgeFailed", place: atCloudFront, of: distributionMetrics, metric: "LambdaExecutionError",
		why: "The edge function crashed or timed out, and those viewers got 503.",
		do:  "Read its log group in the region where it ran; roll back if a deployment came just before.",
	},
	{
		name: "EdgeAnswerRefused", place: atCloudFront, of: distributionMetrics, metric: "LambdaValidationError",
		why: "CloudFront refused what the edge function returned, and those viewers got 502.",
		do:  "Read the log group /aws/cloudfront/LambdaEdge/<distribution> in the region where it ran; roll back.",
	},
	{
		name: "EdgeLimitExceeded", place: atCloudFront, of: distributionMetrics, metric: "LambdaLimitExceededErrors",
		why: "CloudFront wants more edge function runs than the account may have.",
		do:  "Ask AWS for more concurrency and requests per second in the busy regions; see whether the cache hit rate fell.",
	},
	{
		name: "TableThrottled", place: atTable, of: tableMetrics, metric: "ReadThrottleEvents",
		why: "DynamoDB refuses lookups in this region; the edge asks the next region, later.",
		do:  "See on the dashboard what reads so much; on-demand tables double their capacity within half an hour.",
	},
	{
		name: "TableFailed", place: atTable, of: tableMetrics, metric: "SystemErrors", operation: "GetItem",
		why: "DynamoDB fails lookups in this region.",
		do:  "Look at the AWS Health Dashboard; without a replica region viewers get 503 until it is over.",
	},
	{
		name: "TableWritesThrottled", place: atHome, of: tableMetrics, metric: "WriteThrottleEvents",
		why: "DynamoDB refuses new links.",
		do:  "See who issues so many; applications should ask for links in batches and keep them.",
	},
	{
		name: "IssuerFailed", place: atHome, of: issuerMetrics, metric: "Errors",
		why: "The issuer crashed or timed out: an application got no link, or a deleted object's links live on.",
		do:  "Read the issuer's log group; point the alias live at the version before if a deployment came just before.",
	},
	{
		name: "IssuerAnswersErrors", place: atHome, of: issuerMetrics, metric: "Url5xxCount",
		why: "Applications that ask for links get server errors.",
		do:  "Read the issuer's log group; look at the table's alarms.",
	},
	{
		name: "IssuerThrottled", place: atHome, of: issuerMetrics, metric: "Throttles",
		why: "Lambda refuses to run the issuer.",
		do:  "Ask AWS for more concurrency in the home region; applications should ask for links in batches.",
	},
	{
		name: "EventsLost", place: atHome, of: deadMetrics, metric: "ApproximateNumberOfMessagesVisible",
		statistic: "Maximum",
		why: "The issuer failed five times to follow what happened to an object: a deleted photo's links live on, or " +
			"copies of a replaced one do.",
		do: "Read the issuer's log group for the lines `objects changed`; once the cause is gone, start a redrive of " +
			"the dead-letter queue, which tries all its messages again. It keeps them for 14 days.",
	},
	{
		name: "EventsLate", place: atHome, of: queueMetrics, metric: "ApproximateAgeOfOldestMessage", statistic: "Maximum",
		above: eventsLateSeconds,
		why:   "Links of deleted photos, or copies of replaced ones, have been served for that many seconds.",
		do: "After a deletion of very many objects wait: a hundred thousand take some 20 minutes. Else read the " +
			"issuer's log group, and see IssuerThrottled. `links revoke` does not wait for the queue.",
	},
	{
		name: "RevocationListFull", place: atHome, of: ownMetrics, metric: "RevocationListFull",
		why: "The gate's list has no room for more revoked links. Instead every link is dropped from the caches, at " +
			"most six times a minute, and fetched anew: half a cent each, and a load on the origin.",
		do: "See who revokes or deletes so much. Room comes back as revoked links expire.",
	},
	{
		name: "RevocationListFilling", place: atHome, of: ownMetrics, metric: "RevocationListFilling",
		why: "The gate's list of revoked links is 80 % full.",
		do: "See who revokes or deletes so much, and let links live shorter (linkTtlDays) if it goes on: what is " +
			"revoked stays on the list until it would have expired.",
	},
}

// viewerFunctionAlarms are those of the CloudFront Functions, the same for each.
// A function that ends with an error counts as one that did not complete, one
// whose answer CloudFront refuses as one that did not validate.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
func viewerFunctionAlarms(name string, of metricSet, function, check string) []alarm {
	return []alarm{
		{
			name: name + "Failed", place: atCloudFront, of: of, metric: "FunctionExecutionErrors",
			why: "The function " + function + " failed, and those viewers got 503.",
			do:  "Read the log group /aws/cloudfront/function/<name> in us-east-1; " + check + ".",
		},
		{
			name: name + "AnswerRefused", place: atCloudFront, of: of, metric: "FunctionValidationErrors",
			why: "CloudFront refused what the function " + function + " returned, and those viewers got 502.",
			do:  "Read the log group /aws/cloudfront/function/<name> in us-east-1; roll back.",
		},
		{
			name: name + "Throttled", place: atCloudFront, of: of, metric: "FunctionThrottles",
			why: "CloudFront stops the function " + function + " for using too much time, and refuses those viewers.",
			do:  "Look at its compute utilisation on the dashboard; roll back if a deployment came just before.",
		},
	}
}

// imagesAlarms are those of the images function. What it answers for a photo that
// it cannot or should not transform is no error.
var imagesAlarms = []alarm{
	{
		name: "ImagesFailed", place: atHome, of: imagesMetrics, metric: "Errors",
		why: "The images function crashed, ran out of memory or out of time, and that viewer got 502 for a variant.",
		do: "Read its log group: a line that names a signal, the memory or the time. Raise imageMemoryMb or lower " +
			"imageMaxMegapixels; roll back if a deployment came just before.",
	},
	{
		name: "ImagesAnswersErrors", place: atHome, of: imagesMetrics, metric: "Url5xxCount",
		why: "Viewers get server errors instead of variants: photos cannot be fetched from S3, or requests are malformed.",
		do: "Read the images function's log group for the outcomes `unavailable`, `malformed request` and `panic`; look at " +
			"the AWS Health Dashboard for S3.",
	},
	{
		name: "ImagesThrottled", place: atHome, of: imagesMetrics, metric: "Throttles",
		why: "Lambda refuses to make more variants at once, and those viewers get 429.",
		do: "Raise imageConcurrency if it is set, and otherwise ask AWS for more concurrency in the home region; see on " +
			"the dashboard whether the cache hit rate fell.",
	},
	{
		name: "ImagesSlow", place: atHome, of: imagesMetrics, metric: "Duration", statistic: "Maximum",
		above: 1000 * endpointTimeoutSeconds * 4 / 5,
		why:   "A variant took most of the time that its function has, after which there is none.",
		do: "See in its log group whether S3 or the transformation was slow. Raise imageMemoryMb, and the processor with " +
			"it, or lower imageMaxMegapixels or imageMaxFrames.",
	},
}

// sessionAlarms are those of the function that signs viewers in. A token that it
// refuses is no error.
var sessionAlarms = []alarm{
	{
		name: "SessionFailed", place: atHome, of: sessionMetrics, metric: "Errors",
		why: "The session function crashed or timed out, and that viewer could not sign in or out.",
		do:  "Read its log group; point the alias live at the version before if a deployment came just before.",
	},
	{
		name: "SessionAnswersErrors", place: atHome, of: sessionMetrics, metric: "Url5xxCount",
		why: "Viewers cannot sign in: the OpenID provider or the key value store does not answer.",
		do: "Read the session function's log group, and look at the provider's status. Viewers who are signed in are not " +
			"concerned until their tickets expire.",
	},
	{
		name: "SessionThrottled", place: atHome, of: sessionMetrics, metric: "Throttles",
		why: "Lambda refuses to run the session function, and those viewers cannot sign in.",
		do: "See in the access logs who calls /session so often, and block them with the web ACL; or ask AWS for more " +
			"concurrency.",
	},
}
