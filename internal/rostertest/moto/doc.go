// Package moto installs moto's server once and runs it for tests: an implementation of AWS by other people, which package sender is
// tried against with real clients. It knows processes, Python and what to install; what is asked of the server is the test's.
//
// Start is the way in, or Environment for a program of Python that needs no server. Models reads what the server keeps, such as the mails it was given. Only tests import this package, and
// the server never leaves the loopback interface.
package moto

// Version is the version of moto that is installed.
const Version = "5.2.5"

// requirements are what pip installs. The extra "server" of moto asks for what all its services need, 290 MB; these are what the
// server itself and those for mail, push and queues need, and the translator that SAM makes CloudFormation with, 120 MB.
var requirements = []string{"moto==" + Version, "flask==3.1.3", "flask-cors==6.0.5", "aws-sam-translator==1.110.0"}
