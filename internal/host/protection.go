package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// protection tells the audit log by what settings a server protects what it
// serves: counts and answers, and eight digits of the hash of all of them as they
// were given, which change with an address. It holds no address and no secret.
func protection(c *ServeConfig) string {
	is := func(set bool) string {
		if set {
			return "yes"
		}
		return "no"
	}
	given := []string{c.Listen, c.MetricsListen, c.CertFile, c.KeyFile, c.Links, c.AuditCheckpoints, c.AuditArchive}
	given = append(given, strings.Join(c.Origins, " "), fmt.Sprint(c.Proxies))
	for _, w := range c.AuditWitnesses {
		given = append(given, w.Key)
	}
	for i := range c.AuditStreams {
		given = append(given, c.AuditStreams[i].Name, c.AuditStreams[i].Target)
	}
	sum := sha256.Sum256([]byte(strings.Join(given, "\x00")))
	return fmt.Sprintf("tls=%s,proxies=%d,origins=%d,metrics=%s,checkpoints=%s,archive=%s,witnesses=%d,streams=%d,settings=%s",
		is(c.CertFile != ""), len(c.Proxies), len(c.Origins), is(c.MetricsListen != ""), is(c.AuditCheckpoints != ""), is(c.AuditArchive != ""),
		len(c.AuditWitnesses), len(c.AuditStreams), hex.EncodeToString(sum[:4]))
}
