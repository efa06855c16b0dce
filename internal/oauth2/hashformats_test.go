package oauth2_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// foreign is a password that is not ASCII.
const foreign = "pässwörd ☃ 密码"

// importedHashes were made by other implementations, which the names name.
var importedHashes = []struct{ name, password, hash string }{
	{"argon2id of libargon2", password, "$argon2id$v=19$m=8192,t=3,p=4$Y31iSgGybxkLzGaBW6jIZA$VC0FTcX09hExT2T1OTxM686JzrrA04s0+CecYsnngmo"},
	{"small argon2id of libargon2", foreign, "$argon2id$v=19$m=64,t=1,p=1$zuAzFBYthFQ$Y2iZwtJrA2sgsGQHatlrCQ"},
	{"current argon2id of libargon2", password, "$argon2id$v=19$m=19456,t=2,p=1$sOUKPjNbozkjvvSHR+hsrw$50jftdcCCkzdvlm4wyepIlo1tRMy6duSgsHmd6c8oOk"},
	{"bcrypt 2b of pyca", password, "$2b$05$vFzetwWAjWIgqoIVlH0XJuKdAntyiHxSSQan4XzuVc8axXvyad17G"},
	{"bcrypt 2b of libxcrypt", password, "$2b$04$vFzetwWAjWIgqoIVlH0XJuMJUffOE8b0uH1doKO5qTHntBJj3P3D."},
	{"bcrypt 2a of libxcrypt", foreign, "$2a$04$vFzetwWAjWIgqoIVlH0XJuHmf4iWjVYRjztpovGsgDxviNmj4kGkK"},
	{"bcrypt 2y of libxcrypt", foreign, "$2y$06$vFzetwWAjWIgqoIVlH0XJu.mppIODWhjSW5fHHr4PxJDml91lgYF2"},
	{"scrypt of OpenSSL", password, "$scrypt$ln=10,r=8,p=1$TzgXbScJjBJzsEAByWbmxg$Dnx8Ll45m3S4bFH+Yop4vJQEu8ae+ZdtBY26/0RkLb0"},
	{"scrypt of passlib", foreign, "$scrypt$ln=8,r=4,p=3$MQagdM45x7i3do6x1vpfCw$GyyFB7ytiyqmrD6z24dgFIAtEVYjsIh9/I35uqVwU+M"},
	{"PBKDF2 with SHA-1 of passlib", password, "$pbkdf2$1000$M.Ycw/h/r5Xy3vtfS8lZiw$e9/zpjgllIFBf8dOsOBmrh8ERDo"},
	{"PBKDF2 with SHA-256 of passlib", foreign, "$pbkdf2-sha256$2000$4ByjtJZy7r2XUmotxTjH2A$EG3J5p9gWL9cw2lzMJhKuOKm6G2n7lMUPp2N88fAIds"},
	{"PBKDF2 with SHA-512 of passlib", password, "$pbkdf2-sha512$1500$39tba42RUiqltFZqLSVECA$xOSU.JQSt84lKLqbop42iZp2UOegN7ucGsAR.96jqpE.RaaZmICSV/5sgyQ6nROJEPIiF9HoHrd7TSbUXJbcBg"},
	{"PBKDF2 with SHA-1 of OpenSSL, two blocks", password, "$pbkdf2-sha1$i=1234,l=40$TzgXbScJjBJzsEAByWbmxg$7tcsqz5tGhLvWX4vvLOMobSHPilOq16+SAzc7S1S0jGf6z5NByTB1A"},
	{"PBKDF2 with SHA-256 of OpenSSL", password, "$pbkdf2-sha256$i=1234,l=32$TzgXbScJjBJzsEAByWbmxg$wkH5wgJQoVRgW/7mgG21wF3dlWRU0oYLvOao6Kcqpfk"},
	{"PBKDF2 with SHA-256 of OpenSSL, length unsaid", password, "$pbkdf2-sha256$i=1234$TzgXbScJjBJzsEAByWbmxg$wkH5wgJQoVRgW/7mgG21wF3dlWRU0oYLvOao6Kcqpfk"},
	{"PBKDF2 with SHA-512 of OpenSSL", password, "$pbkdf2-sha512$i=1234,l=64$TzgXbScJjBJzsEAByWbmxg$3r7l8VWNSvsybZ0WN+zT4z0VNgZi6Xhtvr9TptUWjzrLQX8uQJ0exyAqZ6b2T1SJpwmxrkkFbUY8l1uHg+lVxQ"},
	{"sha256-crypt of OpenSSL", password, "$5$03cd35ed$J5axfv3NmMXEw5DTdcrQxT268rQKJv7IzWzNyb95De3"},
	{"sha256-crypt of OpenSSL, not ASCII", foreign, "$5$f606f921$LvwGA5gldtwHWUe3kHwW1LECUitdbxAfYWC4MS4ZcE9"},
	{"sha512-crypt of OpenSSL", password, "$6$1fb957b2$Ls6Fn.a58JE/5MdIMKDIqXvsfLSy0Iozb8UmS3OdReQdyPo.hq/YPr.lho.SQblIzo7vVOjkoVzzpeq.xPFPj."},
	{"sha512-crypt of OpenSSL, not ASCII", foreign, "$6$3fa8df2f$QcPpl5CPh9v0ta5kT54t6MqR.P8ZaTA4nA38l6DYMJFcTlwBmkuboJUCimVa4NJr7laBh8JKY4/58uQkluJFm."},
	{"sha256-crypt of passlib", password, "$5$rounds=1000$1mKjGexlks91QHMq$8.f1NDefYAugkBJjTH0C6HEePLxRoRXpdO7j0Rb.JE4"},
	{"sha512-crypt of passlib", password, "$6$rounds=12345$VJVUVVVcG1n1wI99$RO9j0uvHNn3VYUiarnPxG4McDG2wpmnXatN3/K3r2HWTMLt3j5vae.IF3pvQRf2fA0Yd/AENLU.wou2MFKILb."},
	{"sha512-crypt of glibc, short salt", password, "$6$rounds=1400$short$w8/TMzPQF7ONgi7yw2Tq07/VCD3qAaiImlk69UdqbWtvfzhnEgcnfPLZBkLaaOMk3Zizn719fwg0MbisENFVW."},
	{"sha256-crypt of glibc, long password", strings.Repeat(password, 4), "$5$rounds=1400$anotherlongsalts$Z0WrB5H5qGWmNBoxDlji3mnRWgLLTGWa9mpRXGXFIqB"},
	{"sha512-crypt of glibc, long password", strings.Repeat(password, 4), "$6$anotherlongsalts$5/4ClvqSMDQP38.2P20RKfh/B3gCzOMG7Di.wL0.OaKrY.P8QG70hFwureyCL7Z.p9M6VYPNEvyJkkIbqeIM20"},
}

func TestVerifyPasswordOfOtherSystems(t *testing.T) {
	for _, tt := range importedHashes {
		t.Run(tt.name, func(t *testing.T) {
			if err := oauth2.CheckHash(tt.hash); err != nil {
				t.Errorf("CheckHash: %v", err)
			}
			if match, err := oauth2.VerifyPassword(tt.password, tt.hash); !match || err != nil {
				t.Errorf("VerifyPassword of the right password = %v, %v", match, err)
			}
			for _, wrong := range []string{"", "wrong", tt.password + "x", tt.password[1:], strings.ToUpper(tt.password)} {
				if match, err := oauth2.VerifyPassword(wrong, tt.hash); match || err != nil {
					t.Errorf("VerifyPassword(%q) = %v, %v", wrong, match, err)
				}
			}
		})
	}
}

// TestVerifyPasswordLooksAtEveryPartOfTheHash changes one character in the salt and in the key of each.
func TestVerifyPasswordLooksAtEveryPartOfTheHash(t *testing.T) {
	for _, tt := range importedHashes {
		t.Run(tt.name, func(t *testing.T) {
			end := len(tt.hash)
			key := strings.LastIndexByte(tt.hash, '$') + 1
			salt := strings.LastIndexByte(tt.hash[:key-1], '$') + 1
			if strings.Count(tt.hash, "$") == 3 && tt.hash[1] == '2' {
				salt, key = key, key+22 // bcrypt has nothing between the two
			}
			for _, at := range []int{salt, key, (key + end) / 2} {
				altered := []byte(tt.hash)
				altered[at] = 'A' + (altered[at]+1)%16
				if match, err := oauth2.VerifyPassword(tt.password, string(altered)); match || err != nil {
					t.Errorf("VerifyPassword with another character at %d = %v, %v", at, match, err)
				}
			}
		})
	}
}

func TestBcryptLooksAt72Bytes(t *testing.T) {
	const hash = "$2b$04$vFzetwWAjWIgqoIVlH0XJu2be.oHBUapNSL5zW6dbxtnHQJWT8CmC" // of 80 digits, by libxcrypt
	digits := strings.Repeat("0123456789", 8)
	for length, want := range map[int]bool{71: false, 72: true, 73: true, 80: true} {
		if match, err := oauth2.VerifyPassword(digits[:length], hash); match != want || err != nil {
			t.Errorf("VerifyPassword of the first %d bytes = %v, %v, want %v", length, match, err, want)
		}
	}
	if match, err := oauth2.VerifyPassword(digits[:72]+"mistyped", hash); !match || err != nil {
		t.Errorf("VerifyPassword of another end = %v, %v, want a match, as anywhere", match, err)
	}
}

func TestNoPasswordIsLongerThan512Bytes(t *testing.T) {
	for _, length := range []int{512, 513} {
		long := strings.Repeat("x", length)
		hash, err := oauth2.HashPassword(long)
		if err != nil {
			t.Fatal(err)
		}
		if match, err := oauth2.VerifyPassword(long, hash); match != (length == 512) || err != nil {
			t.Errorf("VerifyPassword of %d bytes = %v, %v", length, match, err)
		}
	}
}

// The parts of hashes that the tests below vary.
const (
	salt16    = "c2FsdHNhbHRzYWx0c2FsdA"
	key16     = "NfEnUOuUpb7F2fQkgFUG4g"
	key32     = "EG3J5p9gWL9cw2lzMJhKuOKm6G2n7lMUPp2N88fAIds"
	key64     = "3r7l8VWNSvsybZ0WN+zT4z0VNgZi6Xhtvr9TptUWjzrLQX8uQJ0exyAqZ6b2T1SJpwmxrkkFbUY8l1uHg+lVxQ"
	bcrypted  = "vFzetwWAjWIgqoIVlH0XJuKdAntyiHxSSQan4XzuVc8axXvyad17G"
	crypted5  = "J5axfv3NmMXEw5DTdcrQxT268rQKJv7IzWzNyb95De3"
	crypted6  = "Ls6Fn.a58JE/5MdIMKDIqXvsfLSy0Iozb8UmS3OdReQdyPo.hq/YPr.lho.SQblIzo7vVOjkoVzzpeq.xPFPj."
	saltOfOne = "YQ"
)

// TestCheckHashTakesWhatFrameworksWrite has the settings that widespread software hashes with by default.
func TestCheckHashTakesWhatFrameworksWrite(t *testing.T) {
	for name, hash := range map[string]string{
		"argon2id of PHP":                    "$argon2id$v=19$m=65536,t=4,p=1$" + salt16 + "$" + key32,
		"argon2id of Django":                 "$argon2id$v=19$m=102400,t=2,p=8$" + salt16 + "$" + key32,
		"argon2id of Keycloak":               "$argon2id$v=19$m=7168,t=5,p=1$" + salt16 + "$" + key32,
		"argon2id of RFC 9106, second":       "$argon2id$v=19$m=65536,t=3,p=4$" + salt16 + "$" + key32,
		"bcrypt of Symfony":                  "$2y$13$" + bcrypted,
		"scrypt of OWASP":                    "$scrypt$ln=17,r=8,p=1$" + salt16 + "$" + key32,
		"scrypt of OWASP, least memory":      "$scrypt$ln=13,r=8,p=10$" + salt16 + "$" + key32,
		"scrypt of Spring":                   "$scrypt$ln=16,r=8,p=1$" + salt16 + "$" + key32,
		"PBKDF2 with SHA-1 of OWASP":         "$pbkdf2-sha1$1300000$" + salt16 + "$" + key16,
		"PBKDF2 with SHA-256 of Django":      "$pbkdf2-sha256$1500000$" + salt16 + "$" + key32,
		"PBKDF2 with SHA-512 of Keycloak":    "$pbkdf2-sha512$i=210000,l=64$" + salt16 + "$" + key64,
		"PBKDF2 with SHA-512 of ASP.NET":     "$pbkdf2-sha512$i=100000,l=32$" + salt16 + "$" + key32,
		"PBKDF2 with a salt of one byte":     "$pbkdf2-sha256$1$" + saltOfOne + "$" + key32,
		"sha256-crypt of passlib":            "$5$rounds=535000$03cd35ed$" + crypted5,
		"sha512-crypt of passlib":            "$6$rounds=656000$03cd35ed$" + crypted6,
		"bcrypt salt with its spare bits on": "$2b$04$" + bcrypted[:21] + "9" + bcrypted[22:],
	} {
		t.Run(name, func(t *testing.T) {
			if err := oauth2.CheckHash(hash); err != nil {
				t.Errorf("CheckHash(%q): %v", hash, err)
			}
		})
	}
}

func TestCheckHashRefuses(t *testing.T) {
	long := strings.Repeat("A", 172) // 129 bytes
	for _, tt := range []struct{ name, hash, about string }{
		{"nothing", "", "must be an argon2id"},
		{"a dollar", "$", "must be an argon2id"},
		{"only a name", "$argon2id", "must be an argon2id"},
		{"a password", "correct-horse", "must be an argon2id"},
		{"no dollar in front", "2b$05$" + bcrypted, "must be an argon2id"},
		{"something in front", "x$2b$05$" + bcrypted, "must be an argon2id"},
		{"argon2i", "$argon2i$v=19$m=64,t=1,p=1$" + salt16 + "$" + key16, "must be an argon2id"},
		{"MD5", "$1$salt$qJH7.N4xYta3aEG/dfqo/0", "must be an argon2id"},
		{"yescrypt", "$y$j9T$salt$key", "must be an argon2id"},
		{"bcrypt of a broken version", "$2x$05$" + bcrypted, "must be an argon2id"},
		{"bcrypt of no version", "$2$05$" + bcrypted, "must be an argon2id"},
		{"too long", "$scrypt$ln=4,r=8,p=1$" + salt16 + "$" + strings.Repeat("A", 500), "at most 512"},
		{"a line break", "$2b$05$" + bcrypted + "\n", "no characters but"},
		{"a line break inside", "$pbkdf2-sha256$1000$" + salt16 + "\n$" + key32, "no characters but"},
		{"not UTF-8", "$2b$05$" + bcrypted[:52] + "\xff", "no characters but"},

		{"argon2id of another version", "$argon2id$v=16$m=64,t=1,p=1$" + salt16 + "$" + key16, "the form"},
		{"argon2id without a version", "$argon2id$m=64,t=1,p=1$" + salt16 + "$" + key16, "the form"},
		{"argon2id without a key", "$argon2id$v=19$m=64,t=1,p=1$" + salt16, "the form"},
		{"argon2id with an empty key", "$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$", "key of 16 to 128"},
		{"argon2id with an empty salt", "$argon2id$v=19$m=64,t=1,p=1$$" + key16, "salt of 8 to 128"},
		{"argon2id with a huge key", "$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$" + long, "key of 16 to 128"},
		{"argon2id with a huge salt", "$argon2id$v=19$m=64,t=1,p=1$" + long + "$" + key16, "salt of 8 to 128"},
		{"argon2id with padding", "$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "==$" + key16, "without padding"},
		{"argon2id with spare bits on", "$argon2id$v=19$m=64,t=1,p=1$" + salt16[:21] + "B$" + key16, "without padding"},
		{"argon2id without iterations", "$argon2id$v=19$m=64,t=0,p=1$" + salt16 + "$" + key16, "iterations"},
		{"argon2id without lanes", "$argon2id$v=19$m=64,t=1,p=0$" + salt16 + "$" + key16, "lanes"},
		{"argon2id with little memory", "$argon2id$v=19$m=7,t=1,p=1$" + salt16 + "$" + key16, "memory"},
		{"argon2id with too little memory for its lanes", "$argon2id$v=19$m=31,t=1,p=4$" + salt16 + "$" + key16, "memory"},
		{"argon2id with much memory", "$argon2id$v=19$m=131073,t=1,p=1$" + salt16 + "$" + key16, "memory"},
		{"argon2id with much work", "$argon2id$v=19$m=131072,t=5,p=1$" + salt16 + "$" + key16, "memory times iterations"},
		{"argon2id with many iterations", "$argon2id$v=19$m=64,t=65,p=1$" + salt16 + "$" + key16, "iterations"},
		{"argon2id with many lanes", "$argon2id$v=19$m=8192,t=1,p=17$" + salt16 + "$" + key16, "lanes"},
		{"argon2id with a number past counting", "$argon2id$v=19$m=18446744073709551680,t=1,p=1$" + salt16 + "$" + key16, "settings"},
		{"argon2id with a negative number", "$argon2id$v=19$m=-64,t=1,p=1$" + salt16 + "$" + key16, "settings"},
		{"argon2id with a padded number", "$argon2id$v=19$m=0064,t=1,p=1$" + salt16 + "$" + key16, "settings"},
		{"argon2id with settings in another order", "$argon2id$v=19$t=1,m=64,p=1$" + salt16 + "$" + key16, "settings"},
		{"argon2id with a setting too many", "$argon2id$v=19$m=64,t=1,p=1,data=AAAA$" + salt16 + "$" + key16, "settings"},

		{"bcrypt that costs too much", "$2b$14$" + bcrypted, "cost of 04 to 13, not 14"},
		{"bcrypt that costs too little", "$2b$03$" + bcrypted, "cost of 04 to 13, not 03"},
		{"bcrypt with a cost of one digit", "$2b$5$" + bcrypted, "two digits"},
		{"bcrypt with a signed cost", "$2b$+5$" + bcrypted, "cost"},
		{"bcrypt cut short", "$2b$05$" + bcrypted[:52], "53 characters"},
		{"bcrypt with a part too many", "$2b$05$" + bcrypted + "$", "the form"},
		{"bcrypt with a foreign character", "$2b$05$" + strings.Replace(bcrypted, "K", "+", 1), "encodes"},
		{"bcrypt with spare bits on", "$2b$05$" + bcrypted[:52] + "H", "encodes"},

		{"scrypt with much memory", "$scrypt$ln=18,r=8,p=1$" + salt16 + "$" + key32, "128*r*p<<ln"},
		{"scrypt with much work", "$scrypt$ln=17,r=8,p=2$" + salt16 + "$" + key32, "128*r*p<<ln"},
		{"scrypt with ln past shifting", "$scrypt$ln=64,r=8,p=1$" + salt16 + "$" + key32, "128*r*p<<ln"},
		{"scrypt with a large r and p", "$scrypt$ln=1,r=999999999,p=999999999$" + salt16 + "$" + key32, "128*r*p<<ln"},
		{"scrypt with a large ln and a small r", "$scrypt$ln=20,r=1,p=1$" + salt16 + "$" + key32, "128*r*p<<ln"},
		{"scrypt with a large p and a small ln", "$scrypt$ln=1,r=1,p=33$" + salt16 + "$" + key32, "128*r*p<<ln"},
		{"scrypt without ln", "$scrypt$ln=0,r=8,p=1$" + salt16 + "$" + key32, "128*r*p<<ln"},
		{"scrypt without r", "$scrypt$ln=10,r=0,p=1$" + salt16 + "$" + key32, "128*r*p<<ln"},
		{"scrypt without settings", "$scrypt$$" + salt16 + "$" + key32, "settings"},
		{"scrypt without a salt", "$scrypt$ln=10,r=8,p=1$" + key32, "the form"},

		{"PBKDF2 with SHA-1 and many iterations", "$pbkdf2$2500001$" + salt16 + "$" + key16, "1 to 2500000"},
		{"PBKDF2 with SHA-256 and many iterations", "$pbkdf2-sha256$3000001$" + salt16 + "$" + key32, "1 to 3000000"},
		{"PBKDF2 with SHA-512 and many iterations", "$pbkdf2-sha512$700001$" + salt16 + "$" + key64, "1 to 700000"},
		{"PBKDF2 with two blocks of many iterations", "$pbkdf2-sha256$1500001$" + salt16 + "$" + key64, "1 to 1500000"},
		{"PBKDF2 without iterations", "$pbkdf2-sha256$0$" + salt16 + "$" + key32, "iterations"},
		{"PBKDF2 of another length than it says", "$pbkdf2-sha256$i=1000,l=64$" + salt16 + "$" + key32, "settings"},
		{"PBKDF2 of an unknown function", "$pbkdf2-md5$1000$" + salt16 + "$" + key32, "must be an argon2id"},
		{"PBKDF2 without a key", "$pbkdf2-sha256$1000$" + salt16, "the form"},
		{"PBKDF2 with a short key", "$pbkdf2-sha256$1000$" + salt16 + "$" + key16[:20], "key of 16"},

		{"sha-crypt with few rounds", "$6$rounds=999$salt$" + crypted6, "1000 to 700000"},
		{"sha-crypt with many rounds", "$6$rounds=700001$salt$" + crypted6, "1000 to 700000"},
		{"sha-crypt with odd settings", "$6$round=5000$salt$" + crypted6, "rounds=5000"},
		{"sha-crypt without a salt", "$6$$" + crypted6, "salt"},
		{"sha-crypt with a long salt", "$6$12345678901234567$" + crypted6, "salt"},
		{"sha-crypt with rounds for a salt", "$6$rounds=5000$salt", "key"},
		{"sha-crypt with a key of the other kind", "$6$salt$" + crypted5, "key"},
		{"sha-crypt with a foreign character", "$5$salt$" + crypted5[:42] + "=", "key"},
		{"sha-crypt with spare bits on", "$5$salt$" + crypted5[:42] + "z", "key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := oauth2.CheckHash(tt.hash)
			if !errors.Is(err, oauth2.ErrUnknownHash) || roster.KindOf(err) != roster.KindInvalid || !strings.Contains(err.Error(), tt.about) {
				t.Fatalf("CheckHash(%q) = %v, want an invalid hash for its %q", tt.hash, err, tt.about)
			}
			if match, err := oauth2.VerifyPassword(password, tt.hash); match || !errors.Is(err, oauth2.ErrUnknownHash) {
				t.Errorf("VerifyPassword(%q) = %v, %v, want ErrUnknownHash", tt.hash, match, err)
			}
			if len(tt.hash) > 20 && strings.Contains(err.Error(), tt.hash[len(tt.hash)-20:]) {
				t.Errorf("CheckHash tells what was hashed: %v", err)
			}
		})
	}
}
