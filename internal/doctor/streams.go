package doctor

import (
	"fmt"
	"time"

	"github.com/sotto-health/sotto/internal/installation"
)

// streamLate is after how long a problem makes the installation unsafe: whoever
// watches the SIEM sees nothing.
const streamLate = time.Hour

// streams finds those of the audit log that do not arrive, and those that were
// switched off. That there never was one is no finding: it is an option.
func (x *examination) streams(check string, p *installation.Practice) {
	for i := range p.Streams {
		s := &p.Streams[i]
		lag := s.Lag(p.LogSize)
		switch {
		case s.Problem != "" && s.Problem != rejects:
			level := Warn
			if x.facts.At.Sub(s.Since) > streamLate {
				level = Fail
			}
			x.expect(check, false, "", level, fmt.Sprintf("%d entries of the audit log wait for %s since %s (%s).", lag, s.Target, s.Since.Format(time.DateTime), s.Problem), streamFix(s.Problem))
		case s.Stands(p.LogSize, x.facts.At):
			x.expect(check, false, "", Warn, fmt.Sprintf("%d entries of the audit log wait for %s, and none was sent since %s.", lag, s.Target, s.Last().Format(time.DateTime)),
				"See that a server runs with "+variable(s.Name)+" set, and look at its log.")
		case s.Rejected > 0:
			x.expect(check, false, "", Warn, fmt.Sprintf("%s has taken entries of the audit log and said that it did not keep %d%s.", s.Target, s.Rejected, among(s)),
				"Look at its log for why; sotto audit export --format jsonl has what it lacks.")
		default:
			x.expect(check, true, fmt.Sprintf("%s has the first %d entries of the audit log; %d are on their way.", s.Target, s.Position, lag), OK, "", "")
		}
	}
	for _, s := range p.Unset(x.facts.At) {
		x.expect(check, false, "", Warn, fmt.Sprintf("The audit log went to %s until %s, and does no more.", s.Target, s.StoppedAt.Format(time.DateTime)),
			"Start the server with "+variable(s.Name)+" set, as before. If it is meant, write down who decided it and why.")
	}
}

// among says between which entries those are that a receiver did not keep.
func among(s *installation.Stream) string {
	if s.RejectedLast == 0 {
		return ""
	}
	return fmt.Sprintf(", among those numbered %d to %d", s.RejectedFirst, s.RejectedLast)
}

// rejects is the problem of a receiver that took entries and did not keep some.
const rejects = "rejects"

// streamFix is what to do about a problem of a stream.
func streamFix(problem string) string {
	switch problem {
	case "certificate":
		return "Its certificate is not trusted, or is for another name: check the authority's certificate in SOTTO_SYSLOG_CA or SOTTO_OTLP_CA; then sotto audit stream test."
	case "tls":
		return "It ended TLS: give the client certificate that it wants (_CERT and _KEY), or have it speak TLS 1.2; then sotto audit stream test."
	case "cut":
		return "It ends connections before it has read everything, or does not answer their end (RFC 5425, section 4.4): look at its log."
	case "sign-in":
		return "It does not let this hub in: renew what is in the file of SOTTO_OTLP_HEADERS, and start the server anew."
	case "refuses":
		return "It does not take what it is sent: look at its log. It is asked again every few minutes."
	case "busy":
		return "It asks to be tried later: see whether it is large enough."
	}
	return "See whether it runs and can be reached from here: sotto audit stream test."
}

// variable is the setting of a stream.
func variable(name string) string {
	return map[string]string{"syslog": "SOTTO_SYSLOG", "otlp": "SOTTO_OTLP"}[name]
}
