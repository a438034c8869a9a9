// Package contract plays the exchanges that a stock client relies on against a node and checks every answer. The table
// is testdata/contract.txt; the package has tests only.
//
// A script is a list of steps, one a line; a line that begins with white space continues the one before, # begins a
// comment. {name} in what is sent is replaced by the variable; in what is expected it is set on first use and compared
// afterwards; {*} matches anything. The verbs, with A and B standing for any client:
//
//	A open PATH                     opens the XMPP WebSocket
//	A cut                           drops it without a word
//	A > XML                         sends one message
//	A < XML                         takes the first message not yet taken that matches
//	A none XML                      no message that came so far matches
//	A channel URL                   opens the bridge channel
//	A channel-cut                   drops it
//	A >> JSON                       sends one message on it
//	A << JSON                       takes the first message from it that matches
//	POST PATH JSON -> STATUS JSON   HTTP request and answer
//	GET PATH -> STATUS              likewise, the body does not matter
//
// XML matches when name and namespace are equal, every attribute of the pattern is there with its value, the text is
// equal unless the pattern has none, and every child of the pattern matches a different child. JSON matches when every
// member of the pattern does; a list matches when each of its items matches a different one.
package contract
