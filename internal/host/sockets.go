package host

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// A socket is one that listens, as Linux lists it (proc_pid_net(5)).
type socket struct {
	address netip.AddrPort
	user    uint32
	inode   string
}

// parseSockets reads /proc/net/tcp or tcp6. Lines that it does not understand
// are left out.
func parseSockets(table string) (all []socket) {
	const listening = "0A"
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != listening {
			continue
		}
		ip, port, _ := strings.Cut(f[1], ":")
		address, ok := parseKernelAddress(ip)
		number, err1 := strconv.ParseUint(port, 16, 16)
		user, err2 := strconv.ParseUint(f[7], 10, 32)
		if ok && err1 == nil && err2 == nil {
			all = append(all, socket{netip.AddrPortFrom(address, uint16(number)), uint32(user), f[9]})
		}
	}
	return all
}

// parseKernelAddress reads an address whose words of 32 bits stand in the
// machine's own order.
func parseKernelAddress(s string) (netip.Addr, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 && len(b) != 16 {
		return netip.Addr{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	a, ok := netip.AddrFromSlice(b)
	return a.Unmap(), ok
}
