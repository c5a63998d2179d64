// Answers with the request of its event at once: what is left is the Runtime
// API's own hop.
exports.handler = async (event) => event.Records[0].cf.request;
