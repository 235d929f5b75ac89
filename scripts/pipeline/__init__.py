"""From the vendor's pages to `nexport_client/`: fragments, merge, overlay, generate.

`steps` ties the steps together; each other module is one step, and can be read by itself. A step that cannot continue raises
`PipelineError`, whose one line says what happened, where, and what to do about it.
"""
