package httpapi

import "github.com/danielgtaylor/huma/v2"

// Bounds of what stands in a list, in characters. A tag bounds how many there
// are, and cannot bound each.
const (
	mostOfAnItem  = 1600   // a point of a form, of 400 letters at most; ids are far shorter
	mostOfAPacket = 43_692 // base64 of 32 KiB: a key package
)

// boundItems bounds each string in a list that a caller may send.
func boundItems(o *huma.OpenAPI) {
	for _, schema := range o.Components.Schemas.Map() {
		for _, property := range schema.Properties {
			item := property.Items
			if item == nil || item.Type != huma.TypeString || item.MaxLength != nil || len(item.Enum) > 0 {
				continue
			}
			most := mostOfAnItem
			if item.ContentEncoding != "" {
				most = mostOfAPacket
			}
			item.MaxLength = &most
			item.PrecomputeMessages()
		}
	}
}
