package roster

// NewUser is a user about to be stored, together with what belongs to it but is kept apart.
type NewUser struct {
	User User
	// Credential is the user's hashed password, nil for a user without one. Its Tenant and User are taken from User.
	Credential *Credential
}

// NewTenant is a tenant about to be stored: whatever it takes for somebody to log in and for a program to call the APIs.
type NewTenant struct {
	// Organization is the root organization, whose id is the tenant's.
	Organization Organization
	// Admin is the first user.
	Admin      User
	Credential Credential
	Client     Client
}

// CreatedUser is what became of one NewUser of many: exactly one of a created user, one that existed, and an error.
type CreatedUser struct {
	// User is the user as stored.
	User User
	// Existed is set for a user that stands already, under the same id, with the same content and the same password: an
	// import that was broken off and runs again has nothing to do for it.
	Existed bool
	// Err says why the user was not written.
	Err error
}
