package extproc

// NewGRPC lets a benchmark serve its baseline with the very options of the real server.
var NewGRPC = newGRPC
