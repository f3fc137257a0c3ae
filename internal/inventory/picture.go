package inventory

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/sotto-health/sotto/api"
)

// Sizes of the picture, pixels.
const (
	column   = 250
	box      = 54
	gap      = 18
	head     = 92
	boxWidth = 206
)

var zoneNames = map[string]string{patients: "Patients", staff: "Staff", hub: "Hub", keeper: "Record keeper", elsewhere: "Elsewhere"}

type place struct{ x, y int }

// WriteSVG draws the inventory: a column for each zone, a box for each asset
// but keys, which are many and go nowhere, and an arrow for each flow. What is
// drawn is said too: in the title and description, which screen readers read,
// and in the list that the picture goes with.
func WriteSVG(w io.Writer, i *api.Inventory) error {
	places, rows := layOut(i)
	width, height := len(zones())*column+20, head+max(rows, 1)*(box+gap)+30
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<title id="title">%s</title>`+"\n", escape("Where data flows at "+i.Practice))
	fmt.Fprintf(&b, `<desc id="desc">%s</desc>`+"\n", escape(describe(i)))
	b.WriteString(`<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto"><path d="M0 0 8 4 0 8z" fill="#44505c"/></marker>` +
		`<marker id="open" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto"><path d="M0 0 8 4 0 8z" fill="#9e1b1b"/></marker></defs>` + "\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="20" y="34" font-size="18" font-weight="600" fill="#101820">%s</text>`+"\n", escape("Where data flows at "+i.Practice))
	for n, zone := range zones() {
		fmt.Fprintf(&b, `<rect x="%d" y="50" width="%d" height="%d" rx="8" fill="#f3f5f7"/>`, n*column+12, column-12, height-62)
		fmt.Fprintf(&b, `<text x="%d" y="74" font-size="13" font-weight="600" fill="#44505c">%s</text>`+"\n", n*column+32, escape(zoneNames[zone]))
	}
	for _, f := range i.Flows {
		from, okFrom := places[f.From]
		to, okTo := places[f.To]
		if okFrom && okTo {
			arrow(&b, from, to, f)
		}
	}
	for _, a := range i.Assets {
		if at, ok := places[a.ID]; ok {
			drawBox(&b, at, a)
		}
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func layOut(i *api.Inventory) (places map[string]place, rows int) {
	places = make(map[string]place)
	for n, zone := range zones() {
		row := 0
		for _, a := range i.Assets {
			if a.Zone == zone && a.Kind != "key" {
				places[a.ID] = place{n*column + 22, head + row*(box+gap)}
				row++
			}
		}
		rows = max(rows, row)
	}
	return places, rows
}

func arrow(b *strings.Builder, from, to place, f api.Flow) {
	color, tip, dash := "#44505c", "tip", ""
	if f.Open {
		color, tip, dash = "#9e1b1b", "open", ` stroke-dasharray="6 4"`
	}
	x1, x2 := from.x+boxWidth, to.x
	switch {
	case to.x < from.x:
		x1, x2 = from.x, to.x+boxWidth
	case to.x == from.x: // around the side
		x1, x2 = from.x+boxWidth, to.x+boxWidth
	}
	y1, y2 := from.y+box/2, to.y+box/2
	bend := (x1 + x2) / 2
	if to.x == from.x {
		bend = x1 + 18
	}
	fmt.Fprintf(b, `<path d="M%d %dC%d %d %d %d %d %d" fill="none" stroke="%s" stroke-width="1.6"%s marker-end="url(#%s)"><title>%s</title></path>`+"\n",
		x1, y1, bend, y1, bend, y2, x2, y2, color, dash, tip, escape(f.Carries+": "+f.Guarded))
}

func drawBox(b *strings.Builder, at place, a api.Asset) {
	name := a.Name
	if a.Count > 0 {
		name = fmt.Sprintf("%s (%d)", a.Name, a.Count)
	}
	fmt.Fprintf(b, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="#fff" stroke="#66727e"/>`, escape(a.Name+": "+a.Holds+". "+a.Guarded+"."), at.x, at.y, boxWidth, box)
	fmt.Fprintf(b, `<text x="%d" y="%d" font-size="12.5" font-weight="600" fill="#101820">%s</text>`, at.x+10, at.y+22, escape(shorten(name, 29)))
	fmt.Fprintf(b, `<text x="%d" y="%d" font-size="11" fill="#44505c">%s</text></g>`+"\n", at.x+10, at.y+40, escape(shorten(a.Holds, 34)))
}

func shorten(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// describe says in words what the picture shows.
func describe(i *api.Inventory) string {
	names := make(map[string]string)
	for _, a := range i.Assets {
		names[a.ID] = a.Name
	}
	var b strings.Builder
	for _, f := range i.Flows {
		fmt.Fprintf(&b, "%s to %s: %s; %s. ", names[f.From], names[f.To], f.Carries, f.Guarded)
	}
	return strings.TrimSpace(b.String())
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
