"""From the vendor's pages to `nexport_client/`: fragments, merge, overlay, generate.

`run` ties the steps together; each other module is one step, and can be read alone. A step that cannot go on raises
`PipelineError`, whose one line says what happened, where, and what to do about it.
"""
