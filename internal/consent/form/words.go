package form

import (
	"slices"
	"strings"
)

// words are what the hub itself says in a form. They are part of the text that
// is hashed and signed, so they are here and not in the pages' catalogues; once
// published, a text stays as it was whatever is changed here.
type words struct {
	purpose, collected, readers, kept, risks, withdraw, contact string

	you, staff, part, others, help, archive, assistant, none, see string
}

func wordsOf(language string) (words, bool) {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	switch base {
	case "en":
		return words{
			purpose: "Why we ask", collected: "What we keep", readers: "Who can read it", kept: "How long we keep it",
			risks: "Risks", withdraw: "You can change your mind", contact: "Questions",
			you:       "You can.",
			staff:     "So can the staff of {practice} who join your chat.",
			part:      "So can the staff of {practice} in {departments} who join your chat.",
			others:    "So can others of its staff who help there.",
			help:      "They can bring in a colleague to help. In an emergency, someone else who treats patients can read it too. We keep a record of that.",
			none:      "No helper program can.",
			archive:   "So can the record keeper of {practice}. It is a computer that saves the chat for your health record.",
			assistant: "So can a helper program of {practice}. It is a computer, not a person.",
			see:       "You can see the full list at any time. Press the lock at the top of the chat.",
		}, true
	case "es":
		return words{
			purpose: "Por qué preguntamos", collected: "Qué guardamos", readers: "Quién puede leerlo", kept: "Cuánto tiempo lo guardamos",
			risks: "Riesgos", withdraw: "Puede cambiar de idea", contact: "Preguntas",
			you:       "Usted.",
			staff:     "El personal de {practice} que entra en su chat.",
			part:      "El personal de {practice} en {departments} que entra en su chat.",
			others:    "También otros de su personal que ayudan allí.",
			help:      "Ellos pueden pedir ayuda a un colega, que también podrá leerlo. En una emergencia, otra persona que atiende a pacientes puede leerlo. Eso queda registrado.",
			none:      "Ningún programa de ayuda puede leerlo.",
			archive:   "El archivo de {practice}. Es una computadora que guarda el chat para su expediente médico.",
			assistant: "Un programa de ayuda de {practice}. Es una computadora, no una persona.",
			see:       "Usted puede ver la lista completa en todo momento. Toque el candado arriba del chat.",
		}, true
	case "ar":
		return words{
			purpose: "لماذا نسأل", collected: "ما نحفظه", readers: "من يمكنه القراءة", kept: "مدة الحفظ",
			risks: "المخاطر", withdraw: "يمكنك أن تغيّر رأيك", contact: "الأسئلة",
			you:       "أنت.",
			staff:     "موظفو {practice} الذين ينضمون إلى محادثتك.",
			part:      "موظفو {practice} في {departments} الذين ينضمون إلى محادثتك.",
			others:    "وكذلك موظفون آخرون من {practice} يساعدون هناك.",
			help:      "ويمكنهم إشراك زميل للمساعدة. وفي حالة الطوارئ يمكن لشخص آخر يعالج المرضى أن يقرأها، ونسجّل ذلك.",
			none:      "ولا يقرؤه أي برنامج مساعد.",
			archive:   "حافظ سجلات {practice}، وهو حاسوب يحفظ المحادثة في سجلك الصحي.",
			assistant: "برنامج مساعد تابع لـ {practice}، وهو حاسوب وليس شخصًا.",
			see:       "يمكنك رؤية القائمة الكاملة في أي وقت بالضغط على القفل أعلى المحادثة.",
		}, true
	}
	return words{}, false
}

// Languages lists those that a form can be written in.
func Languages() []string { return []string{"en", "es", "ar"} }

// who is the paragraph of who can read.
func (w words) who(f Facts) string {
	if len(f.Departments) > 0 {
		w.staff = w.part
		if f.Others {
			w.staff += " " + w.others
		}
		w.staff += " " + w.help
	}
	says := map[string]string{ReadStaff: w.staff, ReadArchive: w.archive, ReadAssistant: w.assistant}
	all := []string{w.you}
	for _, class := range f.Readers {
		if s := says[class]; s != "" {
			all = append(all, strings.NewReplacer("{practice}", f.Practice, "{departments}", strings.Join(f.Departments, ", ")).Replace(s))
		}
	}
	if !slices.Contains(f.Readers, ReadAssistant) {
		all = append(all, w.none)
	}
	return strings.Join(append(all, w.see), " ")
}
