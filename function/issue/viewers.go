package issue

import "time"

// MinTicketLife and MaxTicketLife bound how long a viewer's ticket lives.
const (
	MinTicketLife = time.Minute
	MaxTicketLife = 30 * 24 * time.Hour
)
