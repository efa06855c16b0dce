package roster

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the list is Go's own
)

func TestEveryZoneOfTheListIsOne(t *testing.T) {
	n := 0
	for _, z := range zoneNames {
		for place := range strings.FieldsSeq(z.places) {
			name := place
			if z.area != "" {
				name = z.area + "/" + place
			}
			if _, err := time.LoadLocation(name); err != nil {
				t.Errorf("%s is not a zone: %v", name, err)
			}
			if !isZone(name) {
				t.Errorf("isZone(%s) = false", name)
			}
			n++
		}
	}
	if n < 590 {
		t.Errorf("the list has %d zones, want all", n)
	}
}

func TestWhatIsNoZone(t *testing.T) {
	for _, name := range []string{
		"", "Local", "Factory", "Mars/Base", "europe/kyiv", "Europe", "Europe/", "/Europe/Kyiv", "Europe/Kyiv ", " UTC", "Europe/Kyiv Europe/London", "Kyiv Lisbon",
		"posix/Europe/Kyiv", "../UTC", "America/Argentina", "UTC+3", "+03:00", "Europe//Kyiv",
	} {
		if isZone(name) {
			t.Errorf("isZone(%q) = true", name)
		}
	}
	for _, name := range []string{"UTC", "Europe/Kyiv", "Europe/Kiev", "America/New_York", "America/Argentina/Buenos_Aires", "Etc/GMT+3", "US/Eastern"} {
		if !isZone(name) {
			t.Errorf("isZone(%q) = false", name)
		}
	}
}
