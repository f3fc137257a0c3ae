//go:build js && wasm

package main

import "github.com/sotto-health/sotto/internal/device"

// The engine's events and lists in the words of protocol.ts.

// An object becomes a JavaScript object. A field that is absent there is not
// here either.
type object map[string]any

// with adds a field unless it has its type's zero value.
func (o object) with(name string, value any) object {
	switch value {
	case nil, "", 0, int64(0), uint64(0), false:
	default:
		o[name] = value
	}
	return o
}

func (o object) any() any { return map[string]any(o) }

func list[T any](values []T, of func(T) object) any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = of(v).any()
	}
	return out
}

func eventOf(e device.Event) object {
	o := object{"kind": e.Kind}
	switch e.Kind {
	case device.EventConnection:
		o["connection"], o["queued"] = string(e.Connection), e.Queued
	case device.EventConversation:
		o["conversation"] = conversationOf(*e.Conversation).any()
	case device.EventLine:
		o["line"] = lineOf(*e.Line).any()
	case device.EventLineRemoved:
		o["conversation"], o["id"] = e.ConversationID, e.LineID
	case device.EventVerification:
		o["conversation"] = e.ConversationID
	case device.EventFailed:
		o["failure"] = string(e.Failure)
	}
	return o
}

func lineOf(l device.Line) object {
	if l.Message != nil {
		return object{"type": "message", "message": messageOf(l.Message).any()}
	}
	n := l.Notice
	notice := object{"kind": n.Kind}.with("person", n.Person).with("rule", n.Rule)
	if n.Kind == device.NoticeHistoryShared {
		notice["count"] = n.Count
	}
	return object{"type": "notice", "line": object{
		"id":           n.ID,
		"conversation": n.Conversation,
		"at":           n.At,
		"position":     n.Position,
		"notice":       notice.any(),
	}.any()}
}

func messageOf(m *device.Message) object {
	o := object{
		"id":           m.ID,
		"conversation": m.Conversation,
		"from":         m.From,
		"mine":         m.Mine,
		"at":           m.At,
		"body":         bodyOf(m.Body).any(),
	}.with("position", m.Position).with("shared", m.Shared).with("recalling", m.Recalling)
	if m.State != nil {
		o["state"] = stateOf(m.State).any()
	}
	if m.Progress >= 0 {
		o["progress"] = m.Progress
	}
	return o
}

func stateOf(s *device.SendState) object {
	o := object{"kind": s.Kind}.with("position", s.Position)
	if s.Kind == device.StateFailed {
		o["failure"] = string(s.Failure)
	}
	return o
}

func bodyOf(b device.Body) object {
	o := object{"kind": b.Kind}
	switch b.Kind {
	case device.BodyText:
		o["text"] = b.Text
	case device.BodyRecalled:
		o["at"] = b.At
	case device.BodyFile:
		f := object{"name": b.File.Name, "mediaType": b.File.MediaType, "size": b.File.Size}.
			with("width", b.File.Width).with("height", b.File.Height)
		if len(b.File.Preview) > 0 {
			f["preview"] = toArray(b.File.Preview)
		}
		o["file"] = f.any()
	}
	return o
}

func memberOf(m device.Member) object {
	o := object{
		"person":   m.Person,
		"name":     m.Name,
		"title":    m.Title,
		"kind":     m.Kind,
		"role":     m.Role,
		"verified": m.Verified,
		"me":       m.Me,
		"since":    m.Since,
		"devices":  m.Devices,
		"online":   m.Online,
	}
	if m.Emergency {
		o["emergency"] = true
	}
	return o
}

func conversationOf(c device.Conversation) object {
	typing := make([]any, len(c.Typing))
	for i, person := range c.Typing {
		typing[i] = person
	}
	o := object{
		"id":        c.ID,
		"state":     c.State,
		"queue":     c.Queue,
		"language":  c.Language,
		"patient":   c.Patient,
		"createdAt": c.CreatedAt,
		"lastAt":    c.LastAt,
		"consent":   c.Consent,
		"joined":    c.Joined,
		"joining":   c.Joining,
		"members":   list(c.Members, memberOf),
		"unread":    c.Unread,
		"typing":    typing,
		"draft":     c.Draft,
	}.with("assignee", c.Assignee).with("waitingFrom", c.WaitingFrom).with("place", c.Place).with("last", c.Last).
		with("leftMessage", c.LeftMessage).with("rating", c.Rating).with("closedBy", c.ClosedBy).with("reopens", c.Reopens).with("unconfirmed", c.Unconfirmed)
	if v := c.Verification; v.Level != "" {
		o["verification"] = object{"level": v.Level}.with("method", v.Method).with("at", v.At).with("until", v.Until).any()
	}
	return o
}
