package hub

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/proofing"
)

// This file is about messages that leave the house: by e-mail and to phones.
// There is one function for each reason to write to somebody, and each asks
// first for what that reason needs. Nothing else calls a [Messenger].

// A Messenger sends short messages over one channel. Its errors hold neither
// the contact nor the text.
type Messenger interface {
	Send(ctx context.Context, m Message) error
}

// A Message is one that a Messenger sends. To is a clean contact; neither
// Subject nor Text says anything about a person's health.
type Message struct {
	To      string
	Sender  string // how the practice is named
	Subject string
	Text    string
}

// sendTime bounds one sending, which happens after the answer.
const sendTime = 30 * time.Second

// sendAsked sends what the person themselves asks for at this moment, to a
// contact that they name: it needs no other consent than that.
func (h *Hub) sendAsked(ctx context.Context, channel proofing.Channel, m Message) {
	h.send(ctx, channel, m, func(context.Context) {})
}

// sendLink sends a one-time link of a staff person, who has said that the
// patient agreed to be written to there; that is on record with the link.
func (h *Hub) sendLink(ctx context.Context, channel proofing.Channel, m Message, i *Invitation) {
	h.send(ctx, channel, m, func(ctx context.Context) {
		unsent := h.event(ctx, itself(i.Practice), audit.InvitationMade, i.ID).With("channel=" + string(channel))
		unsent.Outcome, unsent.Reason = audit.Failed, "unsent"
		if err := h.store.Recording(unsent).FailInvitation(ctx, i.Practice, i.ID, h.millis()); err != nil {
			h.log.WarnContext(ctx, "a link that was not sent is not marked", slog.String("invitation", i.ID))
		}
	})
}

// send sends after the answer, so that nobody learns from its time whether
// there is such a contact (T27).
func (h *Hub) send(ctx context.Context, channel proofing.Channel, m Message, failed func(context.Context)) {
	ctx = context.WithoutCancel(ctx)
	by := h.messengers[channel]
	h.background.Go(func() {
		sending, cancel := context.WithTimeout(ctx, sendTime)
		defer cancel()
		if err := by.Send(sending, m); err != nil {
			h.log.WarnContext(ctx, "message could not be sent", slog.String("channel", string(channel)))
			failed(ctx)
		}
	})
}

// sends reports whether something can be sent by the channel.
func (h *Hub) sends(c proofing.Channel) bool { return h.messengers[c] != nil }

// channels lists those by which something can be sent.
func (h *Hub) channels() []string {
	all := []string{}
	for _, c := range []proofing.Channel{proofing.Email, proofing.SMS} {
		if h.sends(c) {
			all = append(all, string(c))
		}
	}
	return all
}

// sender is how messages name the practice, on one line.
func (p cachedPractice) sender() string {
	name := p.Identity.Sender
	if name == "" {
		name = p.Name
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, name)
}

// codeMessage says a code in the patient's language and nothing else.
func codeMessage(sender, code, language string) Message {
	return inWords(map[string][2]string{
		"en": {"Your code from {s}", "{c} is your code for {s}. It works for 10 minutes. We will never ask you to tell it to anyone."},
		"es": {"Su código de {s}", "{c} es su código para {s}. Sirve por 10 minutos. Nunca le pediremos que se lo diga a nadie."},
		"ar": {"رمزك من {s}", "{c} هو رمزك لدى {s}. يعمل لمدة 10 دقائق. لن نطلب منك أبدًا أن تخبر به أحدًا."},
	}, language, sender, "{c}", code)
}

// inWords is a subject and a text in a person's language, with {s} as the
// practice and the other pairs filled in; in English if there are none.
func inWords(words map[string][2]string, language, sender string, pairs ...string) Message {
	base, _, _ := strings.Cut(language, "-")
	text, ok := words[base]
	if !ok {
		text = words["en"]
	}
	fill := strings.NewReplacer(append(pairs, "{s}", sender)...)
	return Message{Sender: sender, Subject: fill.Replace(text[0]), Text: fill.Replace(text[1])}
}

// linkMessage says that there is a one-time link, and neither who wants to
// write nor why: somebody else may read it. hours are how long it works.
func linkMessage(sender, link, hours, language string) Message {
	return inWords(map[string][2]string{
		"en": {"{s} invites you to a private chat", "{s} invites you to a private chat: {l}\n\nThe link works once, for {h} hours, on the device that opens it first. If you did not expect this, do not open it and call us."},
		"es": {"{s} le invita a un chat privado", "{s} le invita a un chat privado: {l}\n\nEl enlace sirve una vez, por {h} horas, en el aparato que lo abra primero. Si no lo esperaba, no lo abra y llámenos."},
		"ar": {"تدعوك {s} إلى محادثة خاصة", "تدعوك {s} إلى محادثة خاصة: {l}\n\nيعمل الرابط مرة واحدة، لمدة {h} ساعة، على الجهاز الذي يفتحه أولاً. إن لم تكن تتوقع ذلك فلا تفتحه واتصل بنا."},
	}, language, sender, "{l}", link, "{h}", hours)
}
