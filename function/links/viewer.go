package links

import (
	"context"
	"errors"
	"time"

	"secure-media-cdn/function/issue/client"
)

type viewerCommand struct {
	Ticket ticketCommand `cmd:"" help:"Make a ticket for a viewer and print it, its session and its end."`
	End    endCommand    `cmd:"" help:"End sessions: their tickets are refused within seconds."`
}

type ticketCommand struct {
	TTL       life     `help:"Life of the ticket, such as 90s or 12h. Default: the longest there is." placeholder:"TIME"`
	Viewer    string   `arg:"" help:"What you know the viewer by, such as an account's id."`
	Audiences []string `arg:"" help:"What the viewer is a member of: services that ask for tickets, or SERVICE/NAME."`
}

type endCommand struct {
	Sessions []string `arg:"" help:"Sessions that came with tickets; - reads one a line from standard input."`
}

// Run makes one ticket.
func (c ticketCommand) Run(ctx context.Context, s *session) error {
	t, err := s.stack.client.Ticket(ctx, c.Viewer, c.Audiences, time.Duration(c.TTL)*time.Second)
	if err != nil {
		return s.wrong(err)
	}
	s.print(t, c.Viewer, nil, t.Ticket, t.Session, t.ExpiresAt.Format(time.RFC3339))
	return nil
}

// Run ends the sessions, one call each.
func (c endCommand) Run(ctx context.Context, s *session) error {
	sessions, err := s.expand(c.Sessions)
	if err != nil {
		return err
	}
	return s.each(sessions, 1, func(part []string) error {
		err := s.stack.client.EndSession(ctx, part[0])
		var refused *client.Error
		switch {
		case errors.As(err, &refused):
			s.print(map[string]any{"session": part[0], "error": refused.Problem}, part[0], &refused.Problem)
		case err != nil:
			return err
		default:
			s.print(map[string]any{"session": part[0], "ended": true}, part[0], nil, part[0], "ended")
		}
		return nil
	})
}
