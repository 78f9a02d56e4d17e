"""`ordergraph replay`: recorded orders of a marketplace live their whole lives again, through the public API.

`recordings` reads the files, `story` decides what is told of each order, `setting` sets the scene, `player` tells it,
`evidence` reads back what the API now says, `report` compares. Nothing here touches the database.
"""
