package delivery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rosterhq/roster/internal/roster"
)

// MaxPayload is how many bytes of JSON a push message may have. FCM and APNs take 4,096; the rest is for what the push service
// puts around it.
const MaxPayload = 3584

// maxTitle is how many of them may be of the title, as JSON. No valid title comes near it.
const maxTitle = 1024

// Payload returns a notification as a platform wants it: as FCM v1 or APNs JSON of at most MaxPayload bytes. A body that is too
// long for that is shortened and ends with an ellipsis; an image whose address leaves no room for any body is left out.
func Payload(n *roster.Notification, platform roster.Platform) (string, error) {
	var of func(title, body, image string) any
	switch platform {
	case roster.PlatformFCM:
		of = func(title, body, image string) any { return newFCM(n.ID, title, body, image) }
	case roster.PlatformAPNS, roster.PlatformAPNSSandbox:
		of = func(title, body, image string) any { return newAPNs(n.ID, title, body, image) }
	default:
		return "", fmt.Errorf("no payload is known for platform %d", platform)
	}
	// What is not UTF-8 would be replaced by the encoder, and measured wrongly before.
	title, err := fit(strings.ToValidUTF8(n.Title, "\ufffd"), maxTitle)
	if err != nil {
		return "", err
	}
	body, image := strings.ToValidUTF8(n.Body, "\ufffd"), strings.ToValidUTF8(n.ImageURL, "\ufffd")
	without, err := encode(of(title, "", image))
	if err == nil && image != "" && len(without)+len(ellipsis) > MaxPayload {
		image = ""
		without, err = encode(of(title, "", ""))
	}
	if err != nil {
		return "", err
	}
	if body, err = fit(body, MaxPayload-len(without)); err != nil {
		return "", err
	}
	return encode(of(title, body, image))
}

// fcm is a message of FCM v1 (Firebase, REST Resource: projects.messages) without whom it is for, which the push service adds.
type fcm struct {
	Message struct {
		Notification struct {
			Title string `json:"title"`
			Body  string `json:"body"`
			Image string `json:"image,omitempty"`
		} `json:"notification"`
		// Data has texts only, FCM takes no others. It is what an app tells repeats by.
		Data struct {
			NotificationID string `json:"notificationId"`
		} `json:"data"`
	} `json:"message"`
}

func newFCM(id roster.NotificationID, title, body, image string) *fcm {
	var f fcm
	f.Message.Notification.Title, f.Message.Notification.Body, f.Message.Notification.Image = title, body, image
	f.Message.Data.NotificationID = id.String()
	return &f
}

// apns is a notification of APNs (Apple, Generating a remote notification). There is no picture in it: an app that has an
// extension for that fetches ImageURL, for which MutableContent must be 1.
type apns struct {
	APS struct {
		Alert struct {
			Title string `json:"title"`
			Body  string `json:"body"`
		} `json:"alert"`
		Sound          string `json:"sound"`
		MutableContent int    `json:"mutable-content,omitempty"`
	} `json:"aps"`
	ImageURL       string `json:"imageUrl,omitempty"`
	NotificationID string `json:"notificationId"`
}

func newAPNs(id roster.NotificationID, title, body, image string) *apns {
	var a apns
	a.APS.Alert.Title, a.APS.Alert.Body, a.APS.Sound = title, body, "default"
	if image != "" {
		a.APS.MutableContent, a.ImageURL = 1, image
	}
	a.NotificationID = id.String()
	return &a
}

// encode returns v as JSON without the escapes for HTML, which would make every < six bytes.
func encode(v any) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", fmt.Errorf("encoding a push message: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// fit returns text if it takes at most room bytes within JSON quotes, else as much of its beginning as does with an ellipsis
// behind it. It is empty where there is not even room for that.
func fit(text string, room int) (string, error) {
	size := func(s string) (int, error) {
		encoded, err := encode(s)
		return len(encoded) - len(`""`), err
	}
	whole, err := size(text)
	if err != nil || whole <= room {
		return text, err
	}
	if room < len(ellipsis) {
		return "", nil
	}
	// No character takes fewer bytes in JSON than in UTF-8, so that what fits is no longer than room.
	longest := min(room-len(ellipsis), len(text))
	end := sort.Search(longest, func(i int) bool {
		n, sizeErr := size(clip(text, i+1))
		if sizeErr != nil {
			err = sizeErr
		}
		return n+len(ellipsis) > room
	})
	dangling := func(r rune) bool { return unicode.IsSpace(r) || r == zeroWidthJoiner }
	return strings.TrimRightFunc(clip(text, end), dangling) + ellipsis, err
}

// clip returns as much of the beginning of s as fits in end bytes and looks whole: it parts no letter from its marks and no
// emoji from what it is made of. It knows the common cases of Unicode Standard Annex 29 only, and where something goes on for
// longer than maxCluster characters it settles for whole characters.
func clip(s string, end int) string {
	if len(s) <= end {
		return s
	}
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	at := end
	for range maxCluster {
		if at == 0 {
			break
		}
		if !joined(s, at) {
			return s[:at]
		}
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	return strings.TrimRightFunc(s[:end], func(r rune) bool { return r == zeroWidthJoiner || unicode.Is(unicode.Variation_Selector, r) })
}

// maxCluster is longer than any emoji: a flag of a region of a country has seven characters, a family of four eleven with the
// tones of their skin.
const maxCluster = 16

// joined reports whether the characters before and after s[at], which begins one, belong together.
func joined(s string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	after, _ := utf8.DecodeRuneInString(s[at:])
	switch {
	case before == zeroWidthJoiner, after == zeroWidthJoiner, after == zeroWidthNonJoiner:
		return true
	case unicode.IsMark(after): // variation selectors are marks, too
		return true
	case '\U0001f3fb' <= after && after <= '\U0001f3ff': // tones of skin
		return true
	case '\U000e0020' <= after && after <= '\U000e007f': // tags: flags of regions
		return true
	case before == '\r' && after == '\n':
		return true
	}
	return flagLetter(before) && flagLetter(after) && flagLetters(s[:at])%2 == 1
}

// flagLetter reports whether r is one of the letters of which two make a flag.
func flagLetter(r rune) bool { return '\U0001f1e6' <= r && r <= '\U0001f1ff' }

// flagLetters returns how many of them s ends with.
func flagLetters(s string) int {
	n := 0
	for {
		r, size := utf8.DecodeLastRuneInString(s)
		if !flagLetter(r) {
			return n
		}
		n++
		s = s[:len(s)-size]
	}
}
