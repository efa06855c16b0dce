package samtemplate

import "time"

// Function is one Lambda, Globals included.
type Function struct {
	LogicalID string
	// CodeURI is the folder of the function's code as the template has it, relative to the template.
	CodeURI string
	Handler string
	Runtime string
	// Timeout is how long one invocation may take; 3 s unless the template says otherwise.
	Timeout time.Duration
	// MemoryMB is the function's memory in MiB; 128 unless the template says otherwise.
	MemoryMB int
	// Env is the environment. Values that only a deployment knows hold ${LogicalID} or ${LogicalID.Attribute}.
	Env map[string]string
	// Line is where the template has the function.
	Line int
}

func (r *reader) function(one resource) Function {
	p := one.properties
	f := Function{
		LogicalID: one.logicalID,
		CodeURI:   r.needText(p.get("CodeUri"), one.logicalID+".CodeUri"),
		Handler:   r.text(p.get("Handler"), "Handler"),
		Runtime:   r.text(p.get("Runtime"), "Runtime"),
		Timeout:   time.Duration(r.number(p.get("Timeout"), "Timeout", 3)) * time.Second,
		MemoryMB:  r.number(p.get("MemorySize"), "MemorySize", 128),
		Env:       map[string]string{},
		Line:      one.line,
	}
	variables := p.get("Environment", "Variables")
	for _, name := range variables.names {
		f.Env[name] = r.text(variables.fields[name], name)
	}
	return f
}
