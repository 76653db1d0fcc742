"""The explorer, `learndyn explore`: a page in the browser on which a scenario is changed and its curves follow.

From what the user chose to what is drawn, each in a module of its own:

controls     a number, a choice or a switch on the page, as data
families     which controls a kind of scenario has, and the scenario that they make
setup        the chosen values of one page; from a file, and back to text (TOML, Python)
compute      theory, plateaus, spectrum, critical learning rate, flow field of a setup; replicas at finite N
curves       what a result has to draw, as plain arrays
worker       a thread that always takes the newest request
widgets, charts, numbers    controls, curves and numbers in Bokeh and HTML
page         one page: takes events, asks the workers, shows what they give
pictures     the pictures to download, drawn by `learndyn.plot`
guard        who may speak to the server: this machine, with the token
server       the server itself

`controls` to `worker` know nothing of a browser.
"""
