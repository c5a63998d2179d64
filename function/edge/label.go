package edge

import (
	"path"
	"strings"
)

// shown are the types that a browser may show at S3's own host, by the key's
// extension in lower case. None of them can hold a script that runs there. Who
// uploads an object chooses its Content-Type freely, S3 repeats it, and no
// response headers policy applies at S3; so in redirect delivery the type
// follows the key, and whatever is not listed is downloaded.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
var shown = map[string]string{
	".avif": "image/avif",
	".gif":  "image/gif",
	".heic": "image/heic",
	".jpeg": "image/jpeg",
	".jpg":  "image/jpeg",
	".png":  "image/png",
	".webp": "image/webp",

	".m4v":  "video/mp4",
	".mov":  "video/quicktime",
	".mp4":  "video/mp4",
	".webm": "video/webm",

	".aac":  "audio/aac",
	".flac": "audio/flac",
	".m4a":  "audio/mp4",
	".mp3":  "audio/mpeg",
	".ogg":  "audio/ogg",
	".wav":  "audio/wav",

	".pdf": "application/pdf",
}

// label returns the Content-Disposition and Content-Type for a key's object.
func label(key string) (disposition, contentType string) {
	extension := strings.ToLower(path.Ext(key))
	if contentType, ok := shown[extension]; ok {
		return "inline", contentType
	}
	if extension == ".svg" {
		// An <img> shows it, running no script, and needs the type for that.
		return "attachment", "image/svg+xml"
	}
	return "attachment", "application/octet-stream"
}
