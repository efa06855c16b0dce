// Package invitations is the page behind the links of mails, /invitations/{token}: it shows what a link offers and takes what is
// missing, a name or a password. What a link is worth is decided in package directory.
//
// Read invitations.go (New, and every answer), then page.go (what the page shows, and its headers), rules.go (what is said of a field
// that is wrong), texts.go (the choice of language) and locales.go.
//
//   - Looking changes nothing: programs that check mails for harmful links follow each link before its reader does.
//   - The page works without script; the script only shows the password that is typed, and holds back a second press of the button.
//   - The form has no action, so that it goes to the address that the reader's browser knows, whatever stage, domain or base path
//     the gateway has put before it.
//   - A link that leads nowhere has one answer, whatever the reason: the same status, headers and bytes in each language.
//   - A program posts JSON and is answered in JSON, errors in the body of the dialect organization. What else than the page's own
//     fields a form holds is ignored, since browsers' extensions add some; of JSON it is refused.
//   - The browser is asked to check nothing (novalidate), because its messages would be in its own language rather than the page's, and
//     are not read out by every screen reader.
package invitations
